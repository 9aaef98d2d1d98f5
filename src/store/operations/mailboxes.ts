/**
 * The hierarchy of mailboxes: a row a mailbox, with its parent; whole names exist only in memory.
 *
 * Invariants
 * - INBOX has id 1 in every account, is named INBOX whatever case a client uses (RFC 9051 5.1), and can't be deleted.
 * - A name's parents always exist; one that can't hold messages is not selectable (\Noselect).
 * - A UIDVALIDITY is given once in an account, so a mailbox made anew under an old name is never taken for the old one. Undelete alone brings
 *   back a mailbox as itself ({@link reviveMailbox}), and its UIDs go on.
 */
import { Refused } from '../../errors.ts';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { type AccountId, type EpochSeconds, type MailboxId, type Modseq, nowSeconds, type Uid } from '../ids.ts';
import { mailboxParts } from '../mailbox-names.ts';
import type { TraceBy } from '../trace-types.ts';
import type { Mailbox, Role } from '../types.ts';
import { claim } from './account-row.ts';
import type { Place } from './place.ts';
import { recordChange } from './trace.ts';

export const INBOX = 1 as MailboxId;
export const TOP = 0 as MailboxId;
/** A bound on what a client can make us keep. */
const MAX_MAILBOXES = 20_000;

type MailboxRow = readonly [
  id: number,
  parent: number,
  name: string,
  role: string | null,
  subscribed: number,
  selectable: number,
  uidvalidity: number,
  uidnext: number,
  recentUid: number,
  modseq: number,
  total: number,
  unseen: number,
  deleted: number,
  sizeBytes: number,
];

const COLUMNS = `mailbox_id, parent_id, name, role, subscribed, selectable, uidvalidity, uidnext, recent_uid, modseq, total, unseen, deleted,
  size_bytes`;

const ALL = sql<MailboxRow>(`SELECT ${COLUMNS} FROM mailbox WHERE account_id = ? ORDER BY mailbox_id`);
const BY_NAME = sql<MailboxRow>(`SELECT ${COLUMNS} FROM mailbox WHERE account_id = ? AND parent_id = ? AND name = ?`);
const BY_ID = sql<MailboxRow>(`SELECT ${COLUMNS} FROM mailbox WHERE account_id = ? AND mailbox_id = ?`);
const CHILD = sql<readonly [id: number]>(
  'SELECT mailbox_id FROM mailbox WHERE account_id = ? AND parent_id = ? LIMIT 1',
);
const COUNT = sql<readonly [count: number]>('SELECT count(*) FROM mailbox WHERE account_id = ?');
const NEXT_UIDVALIDITY = sql<readonly [next: number]>(`
  UPDATE account SET next_uidvalidity = CASE WHEN next_uidvalidity >= ? THEN next_uidvalidity + 1 ELSE ? + 1 END
  WHERE account_id = ? RETURNING next_uidvalidity - 1`);
const INSERT = sql(`
  INSERT INTO mailbox (account_id, mailbox_id, parent_id, name, role, subscribed, selectable, uidvalidity, uidnext, recent_uid,
    created_modseq, modseq, total, unseen, deleted, size_bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?, 0, 0, 0, 0)`);
const MOVE_TO = sql('UPDATE mailbox SET parent_id = ?, name = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?');
const SET_SELECTABLE = sql(
  'UPDATE mailbox SET selectable = ?, role = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ?',
);
const REVIVE = sql(`
  UPDATE mailbox SET selectable = 1, role = ?, modseq = ?, uidvalidity = ?, uidnext = 1, recent_uid = 0
  WHERE account_id = ? AND mailbox_id = ?`);
const DELETE = sql('DELETE FROM mailbox WHERE account_id = ? AND mailbox_id = ?');
const GONE = sql(
  'INSERT INTO mailbox_gone (account_id, modseq, mailbox_id, uidvalidity, uidnext, at) VALUES (?, ?, ?, ?, ?, ?)',
);
const LAST_GONE = sql<readonly [modseq: number, uidvalidity: number, uidnext: number]>(`
  SELECT modseq, uidvalidity, uidnext FROM mailbox_gone WHERE account_id = ? AND mailbox_id = ? ORDER BY modseq DESC LIMIT 1`);
const NOT_GONE = sql('DELETE FROM mailbox_gone WHERE account_id = ? AND modseq = ? AND mailbox_id = ?');
const GO_ON = sql(`
  UPDATE mailbox SET selectable = 1, role = ?, modseq = ?, uidvalidity = ?, uidnext = ?, recent_uid = ?
  WHERE account_id = ? AND mailbox_id = ?`);
const SUBSCRIBE = sql('UPDATE mailbox SET subscribed = ? WHERE account_id = ? AND mailbox_id = ?');
const ROLE_TAKEN = sql<readonly [id: number]>('SELECT mailbox_id FROM mailbox WHERE account_id = ? AND role = ?');
const DANGLING = sql<readonly [path: string]>('SELECT path FROM subscription WHERE account_id = ? ORDER BY path');
const ADD_DANGLING = sql(
  'INSERT INTO subscription (account_id, path) VALUES (?, ?) ON CONFLICT (account_id, path) DO NOTHING',
);
const REMOVE_DANGLING = sql('DELETE FROM subscription WHERE account_id = ? AND path = ?');
const CLAIM_RECENT = sql(
  'UPDATE mailbox SET recent_uid = uidnext - 1 WHERE account_id = ? AND mailbox_id = ? AND recent_uid < uidnext - 1',
);

/** All mailboxes, INBOX first, then in order of path. */
export async function listMailboxes(tx: Reader, account: AccountId): Promise<Mailbox[]> {
  const rows = await tx.all(ALL, account);
  const byId = new Map(rows.map((row) => [row[0], row]));
  const paths = new Map<number, string>();
  const pathOf = (row: MailboxRow): string => {
    let path = paths.get(row[0]);
    if (path === undefined) {
      const parent = byId.get(row[1]);
      path = parent === undefined ? row[2] : `${pathOf(parent)}/${row[2]}`;
      paths.set(row[0], path);
    }
    return path;
  };
  const order = (a: Mailbox, b: Mailbox): number =>
    a.id === INBOX ? -1 : b.id === INBOX ? 1 : a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  return rows.map((row) => toMailbox(account, row, pathOf(row))).sort(order);
}

function toMailbox(account: AccountId, row: MailboxRow, path: string): Mailbox {
  return {
    account,
    id: row[0] as MailboxId,
    parent: row[1] as MailboxId,
    name: row[2],
    path,
    role: row[3] as Role | null,
    subscribed: row[4] === 1,
    selectable: row[5] === 1,
    uidvalidity: row[6],
    uidnext: row[7] as Uid,
    recentUid: row[8] as Uid,
    modseq: row[9] as Modseq,
    total: row[10],
    unseen: row[11],
    deleted: row[12],
    sizeBytes: row[13],
  };
}

/** Creates a mailbox and what is missing above it. */
export async function createMailbox(
  tx: Writer,
  account: AccountId,
  path: string,
  role: Role | null,
): Promise<MailboxId> {
  const parts = mailboxParts(path);
  const [count] = (await tx.get(COUNT, account))!;
  if (count + parts.length > MAX_MAILBOXES)
    throw new Refused('limit.reached', `An account can have ${MAX_MAILBOXES} folders.`);
  if (role !== null && (await tx.get(ROLE_TAKEN, account, role)) !== undefined) {
    throw new Refused('mailbox.forbidden', 'Another folder is already used for that.');
  }
  const claimed = await claim(tx, account, { ids: parts.length, bytes: 0, messages: 0 });
  let parent = TOP;
  for (const [depth, name] of parts.entries()) {
    const last = depth === parts.length - 1;
    const row = await tx.get(BY_NAME, account, parent, name);
    if (row === undefined) {
      const id = (claimed.firstId + depth) as MailboxId;
      await insertMailbox(tx, { account, id, parent, name, role: last ? role : null, modseq: claimed.modseq });
      parent = id;
    } else if (!last) parent = row[0] as MailboxId;
    else if (row[5] === 1) throw new Refused('mailbox.exists', `A folder named “${path}” exists already.`);
    else {
      // A place in the hierarchy becomes a mailbox again, with a new UIDVALIDITY (RFC 9051 6.3.4).
      await tx.run(REVIVE, role, claimed.modseq, await nextUidvalidity(tx, account), account, row[0]);
      parent = row[0] as MailboxId;
    }
  }
  // A subscription to the name that was kept when it had no mailbox is now the mailbox's own.
  if ((await tx.run(REMOVE_DANGLING, account, parts.join('/'))) > 0) await tx.run(SUBSCRIBE, 1, account, parent);
  tx.changed({ account, mailbox: parent, modseq: claimed.modseq, mailboxes: true });
  return parent;
}

export interface NewMailbox {
  readonly account: AccountId;
  readonly id: MailboxId;
  readonly parent: MailboxId;
  readonly name: string;
  readonly role: Role | null;
  readonly modseq: Modseq;
  readonly subscribed?: boolean;
}

export async function insertMailbox(tx: Writer, mailbox: NewMailbox): Promise<void> {
  const { account, id, parent, name, role, modseq, subscribed = false } = mailbox;
  const uidvalidity = await nextUidvalidity(tx, account);
  await tx.run(INSERT, account, id, parent, name, role, subscribed ? 1 : 0, 1, uidvalidity, modseq, modseq);
}

/** The time, unless that was given already: never one twice in an account, also when the clock went back. */
export async function nextUidvalidity(tx: Writer, account: AccountId): Promise<number> {
  const now = nowSeconds();
  const [value] = (await tx.get(NEXT_UIDVALIDITY, now, now, account))!;
  return value;
}

export interface DropArgs {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly place: Place;
  readonly now: EpochSeconds;
  /** Who does it; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

/**
 * Takes an empty mailbox away; one with others below it stays as a place (RFC 9051 6.3.5). Its messages were removed before, in chunks.
 * @returns false when it is not empty (something was delivered meanwhile): remove again
 */
export async function dropMailbox(tx: Writer, { account, mailbox, place, now, by }: DropArgs): Promise<boolean> {
  const row = await tx.get(BY_ID, account, mailbox);
  if (row === undefined) return true;
  if (row[10] > 0) return false;
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  if ((await tx.get(CHILD, account, mailbox)) === undefined) await tx.run(DELETE, account, mailbox);
  else await tx.run(SET_SELECTABLE, 0, null, modseq, account, mailbox);
  await tx.run(GONE, account, modseq, mailbox, row[6], row[7], now);
  await recordChange(tx, account, by, 'folder', [], { from: mailbox, path: place.path });
  tx.changed({ account, mailbox, modseq, mailboxes: true });
  return true;
}

/**
 * Brings back a mailbox that was deleted, as itself: with its id, its UIDVALIDITY and UIDs that go on above those it gave (RFC 9051 2.3.1.1 lets a
 * server keep track of them), so that programs which knew it see only that its messages have other UIDs.
 * @returns false when too little is known of it (any more), or its place is taken: create one
 */
export async function reviveMailbox(
  tx: Writer,
  { account, id, parent, name, role }: Omit<NewMailbox, 'modseq'>,
): Promise<boolean> {
  const gone = await tx.get(LAST_GONE, account, id);
  const present = await tx.get(BY_NAME, account, parent, name);
  // One with others below it stayed as a place, with its row.
  if (gone === undefined || gone[2] === 0 || (present !== undefined && present[0] !== id)) return false;
  const [goneAt, uidvalidity, uidnext] = gone;
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  if (present === undefined) await insertMailbox(tx, { account, id, parent, name, role, modseq });
  await tx.run(GO_ON, role, modseq, uidvalidity, uidnext, uidnext - 1, account, id);
  await tx.run(NOT_GONE, account, goneAt, id);
  tx.changed({ account, mailbox: id, modseq, mailboxes: true });
  return true;
}

/** @throws Refused when the mailbox may not be deleted */
export async function assertDeletable(tx: Reader, account: AccountId, mailbox: MailboxId): Promise<void> {
  if (mailbox === INBOX) throw new Refused('mailbox.forbidden', 'The INBOX can’t be deleted.');
  const row = await tx.get(BY_ID, account, mailbox);
  if (row === undefined) throw new Refused('mailbox.missing', 'The folder does not exist.');
  if (row[5] === 0) {
    throw new Refused('mailbox.has-children', 'This is only a place for the folders below it. Delete those first.');
  }
}

/** Gives a mailbox another name or place; what is below goes along. */
export async function renameMailbox(tx: Writer, account: AccountId, mailbox: MailboxId, path: string): Promise<void> {
  const all = await listMailboxes(tx, account);
  const moved = all.find((each) => each.id === mailbox);
  if (moved === undefined) throw new Refused('mailbox.missing', 'The folder does not exist.');
  const parts = mailboxParts(path);
  const target = parts.join('/');
  if (target === moved.path) return;
  if (all.some((each) => each.path === target))
    throw new Refused('mailbox.exists', `A folder named “${target}” exists already.`);
  if (target.startsWith(`${moved.path}/`)) {
    throw new Refused('mailbox.forbidden', 'A folder can’t be moved into itself.');
  }
  const above = parts.slice(0, -1).join('/');
  if (above !== '' && !all.some((each) => each.path === above)) await createMailbox(tx, account, above, null);
  const parent = above === '' ? TOP : (await listMailboxes(tx, account)).find((each) => each.path === above)!.id;
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  await tx.run(MOVE_TO, parent, parts.at(-1)!, modseq, account, mailbox);
  tx.changed({ account, mailbox, modseq, mailboxes: true });
}

/** Subscribes to a mailbox that exists, with the change that made it. */
export async function subscribe(tx: Writer, account: AccountId, mailbox: MailboxId): Promise<void> {
  await tx.run(SUBSCRIBE, 1, account, mailbox);
}

export async function setSubscribed(tx: Writer, account: AccountId, path: string, subscribed: boolean): Promise<void> {
  const name = mailboxParts(path).join('/');
  const mailbox = (await listMailboxes(tx, account)).find((each) => each.path === name);
  const { modseq } = await claim(tx, account, { ids: 0, bytes: 0, messages: 0 });
  if (mailbox !== undefined) await tx.run(SUBSCRIBE, subscribed ? 1 : 0, account, mailbox.id);
  else if (subscribed) await tx.run(ADD_DANGLING, account, name);
  else await tx.run(REMOVE_DANGLING, account, name);
  tx.changed({ account, modseq, mailboxes: true });
}

export async function danglingSubscriptions(tx: Reader, account: AccountId): Promise<string[]> {
  return (await tx.all(DANGLING, account)).map(([path]) => path);
}

/** @returns the mark as it was */
export async function claimRecent(tx: Writer, account: AccountId, mailbox: MailboxId): Promise<Uid> {
  const row = await tx.get(BY_ID, account, mailbox);
  if (row === undefined) throw new Refused('mailbox.missing', 'The folder does not exist.');
  await tx.run(CLAIM_RECENT, account, mailbox);
  return row[8] as Uid;
}
