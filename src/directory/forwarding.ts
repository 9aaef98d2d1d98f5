/** Accounts that forward their mail: to addresses here or elsewhere, with a copy that stays or without. Where it goes at last is in follow.ts. */
import { PAGE_ROWS, type Reader, type Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, requireAccount } from './accounts.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { behind } from './behind.ts';
import { findDomain } from './domains.ts';
import { invalid, missing } from './rules.ts';
import type { Account, Forwarding } from './types.ts';

/** Addresses that an account may forward to. */
const TARGETS_LIMIT = 20;
/** Accounts that are looked at for a way that leads back. */
const MOST_STEPS = 1_000;

const KEEPS = sql<readonly [keeps: number]>('SELECT keeps FROM forwarding WHERE account_id = ?');
const TARGETS = sql<readonly [address: string]>(
  'SELECT address FROM forwarding_target WHERE account_id = ? ORDER BY address',
);
const TARGETS_OF_MEMBERS = sql<readonly [account: number, address: string]>(`
  SELECT t.account_id, t.address FROM membership m JOIN person o ON o.person_id = m.person_id
  JOIN forwarding_target t ON t.account_id = o.account_id WHERE m.group_id = ? ORDER BY t.account_id, t.address`);
const ACCOUNTS_OF_TARGETS = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.name IN
    (SELECT t.address FROM membership m JOIN person o ON o.person_id = m.person_id JOIN forwarding_target t ON t.account_id = o.account_id
     WHERE m.group_id = ?)`);
const SET = sql(`
  INSERT INTO forwarding (account_id, keeps, created) VALUES (?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET keeps = excluded.keeps`);
const ADD_TARGET = sql('INSERT INTO forwarding_target (account_id, address) VALUES (?, ?)');
const DELETE_TARGETS = sql('DELETE FROM forwarding_target WHERE account_id = ?');
const DELETE_TARGET = sql('DELETE FROM forwarding_target WHERE account_id = ? AND address = ?');
const DELETE = sql('DELETE FROM forwarding WHERE account_id = ?');
const LIST = sql<readonly [account: number, name: string]>(`
  SELECT f.account_id, a.name FROM forwarding f JOIN account a ON a.account_id = f.account_id WHERE a.name > ? ORDER BY a.name LIMIT ?`);

/** The addresses that an account forwards to. */
export async function forwardingTargets(tx: Reader, account: AccountId): Promise<string[]> {
  return (await tx.all(TARGETS, account)).map(([address]) => address);
}

/** The same for all members of a group: one question, not one for each. */
export async function targetsOfMembers(tx: Reader, group: number): Promise<Map<AccountId, string[]>> {
  const targets = new Map<AccountId, string[]>();
  for (const [id, address] of await tx.all(TARGETS_OF_MEMBERS, group)) {
    const account = id as AccountId;
    const known = targets.get(account);
    if (known === undefined) targets.set(account, [address]);
    else known.push(address);
  }
  return targets;
}

/** The accounts that members of a group forward to, by their names; the same way. */
export async function accountsOfTargets(tx: Reader, group: number): Promise<Map<string, Account>> {
  return new Map((await tx.all(ACCOUNTS_OF_TARGETS, group)).map((row) => [row[1], accountOf(row)]));
}

/** Null: its mail stays. */
export async function findForwarding(tx: Reader, account: AccountId): Promise<Forwarding | null> {
  const row = await tx.get(KEEPS, account);
  return row === undefined ? null : { to: await forwardingTargets(tx, account), keeps: row[0] === 1 };
}

/** A page of the accounts that forward, in order of name, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listForwardings(
  tx: Reader,
  after: string,
): Promise<(Forwarding & { readonly account: string })[]> {
  const found: (Forwarding & { readonly account: string })[] = [];
  for (const [id, account] of await tx.all(LIST, after, PAGE_ROWS)) {
    found.push({ account, ...(await findForwarding(tx, id as AccountId))! });
  }
  return found;
}

/**
 * Lets an account forward to these addresses and no others.
 * @param mayLeave  refuses addresses elsewhere while no mail leaves
 * @returns what was before @throws Refused `directory.missing`, `directory.invalid`
 */
export async function setForwarding(
  tx: Writer,
  name: string,
  { to, keeps }: { readonly to: readonly Address[]; readonly keeps: boolean },
  { now, mayLeave }: { readonly now: EpochSeconds; readonly mayLeave: (address: string) => void },
): Promise<Forwarding | null> {
  const { id } = await requireAccount(tx, name);
  const before = await findForwarding(tx, id);
  const targets = new Set<string>();
  for (const address of to) targets.add(await requireTarget(tx, address, mayLeave));
  if (targets.size > TARGETS_LIMIT) throw invalid(`Mail can be forwarded to at most ${TARGETS_LIMIT} addresses.`);
  await tx.run(SET, id, keeps ? 1 : 0, now);
  await tx.run(DELETE_TARGETS, id);
  for (const target of targets) await tx.run(ADD_TARGET, id, target);
  await requireNoWayBack(tx, name);
  return before;
}

/** Ends a forwarding, or that to one address. @returns what was before @throws Refused `directory.missing` */
export async function removeForwarding(tx: Writer, name: string, target: string | undefined): Promise<Forwarding> {
  const { id } = await requireAccount(tx, name);
  const before = await findForwarding(tx, id);
  if (before === null) throw missing(`${name} does not forward its mail. See who does: rainmail forward list`);
  if (target !== undefined && (await tx.run(DELETE_TARGET, id, target)) === 0) {
    throw missing(`${name} does not forward to ${target}, but to ${before.to.join(', ')}.`);
  }
  if (target !== undefined && before.to.length > 1) return before;
  await tx.run(DELETE_TARGETS, id);
  await tx.run(DELETE, id);
  return before;
}

/** @returns it as it is kept @throws Refused `directory.missing`, `directory.invalid` for one of ours that takes no mail */
async function requireTarget(tx: Reader, address: Address, mayLeave: (address: string) => void): Promise<string> {
  const domain = await findDomain(tx, address.domain);
  if (domain === undefined) {
    const text = formatAddress(address);
    mayLeave(text);
    return text;
  }
  const text = formatAddress({ local: address.local, domain: domain.name });
  const found = await behind(tx, text);
  if (found === undefined) {
    throw missing(
      `Nobody here has the address ${text}: mail goes on to an account, an alias or a group, or elsewhere.`,
    );
  }
  if (found.list !== undefined && found.list.who !== 'anyone') {
    throw invalid(`Not everybody may post to the group ${text}, so nothing can be forwarded to it.`);
  }
  if (found.outsiders.length === 0 && found.accounts.every(({ state }) => state === 'closed')) {
    throw invalid(`${found.ifNobody} Choose another address.`);
  }
  return text;
}

/** @throws Refused `directory.invalid` when mail of the account would come back to it here */
async function requireNoWayBack(tx: Reader, name: string): Promise<void> {
  const waysTo = new Map<string, readonly string[]>([[name, [name]]]);
  for (const [from, way] of waysTo) {
    if (waysTo.size > MOST_STEPS)
      throw invalid('This leads through too many other forwardings. Forward more directly.');
    for (const target of await nextOf(tx, from)) {
      if (target === name) throw invalid(`This would go round in a circle: ${[...way, name].join(' to ')}.`);
      if (!waysTo.has(target)) waysTo.set(target, [...way, target]);
    }
  }
}

/** The accounts that an account's forwarding leads to. */
async function nextOf(tx: Reader, name: string): Promise<string[]> {
  const { id } = await requireAccount(tx, name);
  const next: string[] = [];
  for (const target of await forwardingTargets(tx, id)) {
    const { local, domain: given } = parseAddress(target)!;
    const domain = await findDomain(tx, given);
    const found = domain && (await behind(tx, formatAddress({ local, domain: domain.name })));
    next.push(...(found?.accounts ?? []).map((account) => account.name));
  }
  return next;
}
