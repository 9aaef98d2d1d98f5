/**
 * An account that was removed comes back from a backup: with its number, password, app passwords, aliases, groups, quota, what it
 * forwards and what the access policy says of it, and with its folders, empty; their messages follow (backup/restore/mail.ts). It is no administrator's: whoever was
 * one when the backup was taken may have ceased to be one since.
 *
 * It has the number it had, which was never given to another one, so every id of its mail means what it meant; and what was issued since
 * the backup is jumped over, as after a restore of the whole server (store/operations/raise-ids.ts).
 */
import { Refused } from '../errors.ts';
import { domainOf } from '../message/addresses.ts';
import type { Reader, Writer } from '../store/engine/engine.ts';
import { type Sql, sql, type Value } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds, MailboxId, Modseq } from '../store/ids.ts';
import { nextUidvalidity as newUidvalidity } from '../store/operations/mailboxes.ts';
import { raisedAccount, raisedUidnext } from '../store/operations/raise-ids.ts';
import { setRule as setPolicyRule } from './access/rules.ts';
import { requireAccount } from './accounts.ts';
import { requireOurs } from './domains.ts';
import { joinGroup } from './groups.ts';
import { holderOf, requireFree } from './names.ts';
import { bytesOf, recomputeAccount, setRule } from './quotas.ts';
import { exists } from './rules.ts';
import type { Account } from './types.ts';

type Row = readonly Value[];

type AccountRow = readonly [
  id: number,
  state: string,
  modseq: number,
  nextId: number,
  nextUidvalidity: number,
  created: number,
  legalHold: number,
];

const ACCOUNT = sql<AccountRow>(`
  SELECT account_id, state, modseq, next_id, next_uidvalidity, created, legal_hold FROM account WHERE name = ? AND state <> 'removed'`);
const ALIASES = sql<readonly [address: string, created: number]>(
  'SELECT address, created FROM alias WHERE account_id = ?',
);
const GROUPS = sql<readonly [name: string]>(`
  SELECT g.name FROM person p JOIN membership m ON m.person_id = p.person_id JOIN person_group g ON g.group_id = m.group_id
  WHERE p.account_id = ?`);
const QUOTA = sql<readonly [value: string]>(
  "SELECT value FROM policy WHERE scope = 'account' AND subject_id = ? AND setting = 'quota'",
);
const RULES = sql<readonly [setting: string, value: string]>(
  "SELECT setting, value FROM policy WHERE scope = 'account' AND subject_id = ? AND setting <> 'quota'",
);
const TAKEN = sql<readonly [state: string]>('SELECT state FROM account WHERE account_id = ?');
const INSERT_ACCOUNT = sql(`
  INSERT INTO account (account_id, name, state, modseq, min_modseq, next_id, next_uidvalidity, used_bytes, used_count, retained_bytes,
    retained_count, quota_bytes, created, legal_hold) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, NULL, ?, ?)`);
const SAME_PERSON = sql<readonly [name: string]>(`
  SELECT a.name FROM person p JOIN account a ON a.account_id = p.account_id WHERE p.external_id = ?`);
const INSERT_ALIAS = sql('INSERT INTO alias (address, account_id, created) VALUES (?, ?, ?)');
const GROUP_NAMED = sql<readonly [id: number]>('SELECT group_id FROM person_group WHERE name = ?');

/** Folders come back empty. */
const MAILBOXES = sql<MailboxRow>(`
  SELECT mailbox_id, parent_id, name, role, subscribed, selectable, uidvalidity, uidnext FROM mailbox WHERE account_id = ?`);
const INSERT_MAILBOX = sql(`
  INSERT INTO mailbox (account_id, mailbox_id, parent_id, name, role, subscribed, selectable, uidvalidity, uidnext, recent_uid,
    created_modseq, modseq, total, unseen, deleted, size_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0)`);

type MailboxRow = readonly [
  id: number,
  parent: number,
  name: string,
  role: string | null,
  subscribed: number,
  selectable: number,
  uidvalidity: number,
  uidnext: number,
];

/** Its place in the first of {@link COPIED}. */
const EXTERNAL_ID_COLUMN = 7;

/** Tables of which the account's rows come back as they were. */
const COPIED: readonly (readonly [read: Sql<Row>, insert: Sql])[] = [
  copying(
    'person',
    'person_id, account_id, display_name, scram_salt, scram_iterations, created, source, external_id, source_state, suspended_here',
  ),
  copying(
    'credential',
    `account_id, credential_id, kind, label, hash, scram_stored_key, scram_server_key, protocols, created, last_used, last_protocol,
     last_address`,
  ),
  copying('subscription', 'account_id, path'),
  copying('forwarding', 'account_id, keeps, created'),
  copying('forwarding_target', 'account_id, address'),
];

function copying(table: string, columns: string): readonly [Sql<Row>, Sql] {
  const marks = columns.split(',').map(() => '?');
  return [
    sql<Row>(`SELECT ${columns} FROM ${table} WHERE account_id = ?`),
    sql(`INSERT INTO ${table} (${columns}) VALUES (${marks.join(', ')})`),
  ];
}

/** An account as a backup has it. */
export interface FormerAccount {
  readonly name: string;
  readonly account: AccountRow;
  readonly mailboxes: readonly MailboxRow[];
  /** Of each table of {@link COPIED}. */
  readonly copied: readonly (readonly Row[])[];
  readonly aliases: readonly (readonly [address: string, created: number])[];
  readonly groups: readonly string[];
  readonly quotaBytes: number | null | undefined;
  /** What the access policy says of it alone. */
  readonly policy: readonly (readonly [setting: string, value: string])[];
}

/** @param tx of the backup. @returns undefined when it has no such account */
export async function readFormer(tx: Reader, name: string): Promise<FormerAccount | undefined> {
  const account = await tx.get(ACCOUNT, name);
  if (account === undefined) return undefined;
  const [id] = account;
  const copied: (readonly Row[])[] = [];
  for (const [read] of COPIED) copied.push(await tx.all(read, id));
  const quota = (await tx.get(QUOTA, id))?.[0];
  return {
    name,
    account,
    mailboxes: await tx.all(MAILBOXES, id),
    copied,
    aliases: await tx.all(ALIASES, id),
    groups: (await tx.all(GROUPS, id)).map(([group]) => group),
    quotaBytes: quota === undefined ? undefined : bytesOf(quota),
    policy: await tx.all(RULES, id),
  };
}

/**
 * Makes the account again. Aliases and groups that are no more, or are somebody else's now, are left out.
 * @param taken when the backup was taken
 * @throws Refused `directory.exists`, `directory.missing` (the domain), `restore.place` while its mail is still being removed
 */
export async function bringBack(
  tx: Writer,
  former: FormerAccount,
  taken: EpochSeconds,
  now: EpochSeconds,
): Promise<Account> {
  const [account, state, ...numbers] = former.account;
  const id = account as AccountId;
  await requireOurs(tx, domainOf(former.name));
  await requireFree(tx, former.name);
  if ((await tx.get(TAKEN, id)) !== undefined) {
    throw new Refused('restore.place', `The mail of ${former.name} is just being removed. Try again in some minutes.`);
  }
  await requireNotHereAgain(tx, former);
  const [wasModseq, wasNextId, wasNextUidvalidity, created, legalHold] = numbers;
  const was = { modseq: wasModseq, nextId: wasNextId, nextUidvalidity: wasNextUidvalidity };
  const { modseq, nextId, nextUidvalidity } = raisedAccount(was, taken, now);
  await tx.run(INSERT_ACCOUNT, id, former.name, state, modseq, modseq, nextId, nextUidvalidity, created, legalHold);
  for (const [mailbox, parent, name, role, subscribed, selectable, uidvalidity, uidnext] of former.mailboxes) {
    const raised = raisedUidnext(uidnext, taken, now);
    const [validity, next] = raised === undefined ? [await newUidvalidity(tx, id), 1] : [uidvalidity, raised];
    const flags = [subscribed, selectable, validity, next, next - 1, modseq, modseq];
    await tx.run(INSERT_MAILBOX, id, mailbox, parent, name, role, ...flags);
    tx.changed({ account: id, mailbox: mailbox as MailboxId, modseq: modseq as Modseq, mailboxes: true });
  }
  for (const [index, [, insert]] of COPIED.entries()) {
    for (const row of former.copied[index]!) await tx.run(insert, ...row);
  }
  for (const [address, since] of former.aliases) {
    const holder = await holderOf(tx, address);
    if (holder === undefined || holder.kind === 'alias') await tx.run(INSERT_ALIAS, address, id, since);
  }
  for (const group of former.groups) {
    if ((await tx.get(GROUP_NAMED, group)) !== undefined) await joinGroup(tx, group, [id]);
  }
  for (const [setting, value] of former.policy) await setPolicyRule(tx, { scope: 'account', id }, setting, value);
  if (former.quotaBytes === undefined) await recomputeAccount(tx, id);
  else await setRule(tx, 'account', id, former.quotaBytes);
  return requireAccount(tx, former.name);
}

/** Somebody who lives in another directory may have come back by another name. @throws Refused `directory.exists` */
async function requireNotHereAgain(tx: Reader, { copied: [persons] }: FormerAccount): Promise<void> {
  const externalId = persons?.[0]?.[EXTERNAL_ID_COLUMN] ?? null;
  const other = externalId === null ? undefined : await tx.get(SAME_PERSON, externalId);
  if (other !== undefined) {
    throw exists(
      `This person has the account ${other[0]} now. Its mail can be restored beside that: rainmail restore mail.`,
    );
  }
}
