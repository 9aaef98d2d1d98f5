/**
 * POP3 devices: what each has had of its person's mail.
 *
 * A device is a credential that has signed in over POP3: an app password, or the account's password. What it deletes is hidden from it, and
 * leaves the mailbox, if the rule says so, when every device that holds it has let it go. Where the password is the only one it is all
 * programs of the person, and what it deletes is deleted; its row says that it must be asked as soon as there is another device.
 *
 * Invariants
 * - A message that some device has not had is never removed by what others do, nor by time.
 * - What a device has had is known by the message's item, wherever it is moved. It leaves the folder in which the device had it, or none.
 * - A device holds what it may see: not what came before its start date, and nothing any more once it has been silent for too long.
 * - Rows of messages that are gone for good go with them (purge.ts); of devices that are gone, in {@link settlePage}.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import { moveMessages } from './copy.ts';
import { expungeMessages } from './expunge.ts';
import { listMailboxes } from './mailboxes.ts';
import { findMessage, type MessageRow, readMessages } from './message-row.ts';
import { mailboxAt, placeNamed, placeOf } from './place.ts';
import { recordChange } from './trace.ts';

/** The credential that everybody has: their password. */
export const PASSWORD = 1;
/** How exactly it is known when a device was there last: a write a sign-in would be too much. */
const LAST_SEEN_STEP = 3_600;

export interface Device {
  readonly credential: number;
  readonly firstSeen: EpochSeconds;
  readonly lastSeen: EpochSeconds;
  /** Messages received before are not shown to it; 0: all are. */
  readonly start: EpochSeconds;
  /** When two programs were seen to use it at once; 0: never. */
  readonly shared: EpochSeconds;
}

/** When what devices have let go, or have had, leaves the mailbox. */
export type LetGoRule =
  /** Never: it stays for IMAP. */
  | { readonly kind: 'keep' }
  /** When every device has deleted it. */
  | { readonly kind: 'remove' }
  /** When every device has deleted it: to a folder. */
  | { readonly kind: 'move'; readonly folder: string }
  /** So many seconds after every device has had it. */
  | { readonly kind: 'after'; readonly seconds: number };

export interface LetGoTerms {
  readonly rule: LetGoRule;
  /** A device that was there last before holds nothing any more. */
  readonly silentBefore: EpochSeconds;
  readonly now: EpochSeconds;
  /** Until when what is removed can be brought back. */
  readonly expires: EpochSeconds;
  /** Who lets it go; undefined: not to be noted. */
  readonly by: TraceBy | undefined;
}

type DeviceRow = readonly [credential: number, firstSeen: number, lastSeen: number, start: number, shared: number];

const DEVICES = sql<DeviceRow>(
  'SELECT credential_id, first_seen, last_seen, start, shared FROM device WHERE account_id = ? ORDER BY credential_id',
);
const ADD = sql(`
  INSERT INTO device (account_id, credential_id, first_seen, last_seen) VALUES (?, ?, ?, ?)
  ON CONFLICT (account_id, credential_id) DO UPDATE SET last_seen = excluded.last_seen WHERE device.last_seen < excluded.last_seen`);
const SET_START = sql(`
  INSERT INTO device (account_id, credential_id, first_seen, last_seen, start) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (account_id, credential_id) DO UPDATE SET start = excluded.start`);
const SET_SHARED = sql('UPDATE device SET shared = ? WHERE account_id = ? AND credential_id = ?');
const REMOVE = sql('DELETE FROM device WHERE account_id = ? AND credential_id = ?');
const POP3_USE = sql<readonly [used: number]>(`
  SELECT last_used FROM credential WHERE account_id = ? AND credential_id = ? AND last_protocol = 'pop3' AND last_used >= ?`);
const LET_GO = sql<readonly [item: number]>(
  'SELECT item_id FROM device_message WHERE account_id = ? AND credential_id = ? AND let_go > 0',
);
const NOTE_FETCHED = sql(`
  INSERT INTO device_message (account_id, item_id, credential_id, mailbox_id, uid, email_id, fetched, let_go)
  VALUES (?, ?, ?, ?, ?, ?, ?, 0)
  ON CONFLICT (account_id, item_id, credential_id) DO UPDATE
    SET fetched = excluded.fetched, mailbox_id = excluded.mailbox_id, uid = excluded.uid WHERE device_message.fetched = 0`);
const NOTE_LET_GO = sql(`
  INSERT INTO device_message (account_id, item_id, credential_id, mailbox_id, uid, email_id, fetched, let_go)
  VALUES (?, ?, ?, ?, ?, ?, 0, ?)
  ON CONFLICT (account_id, item_id, credential_id) DO UPDATE
    SET let_go = excluded.let_go, mailbox_id = excluded.mailbox_id, uid = excluded.uid`);
const NOTE_MOVED = sql('UPDATE device_message SET mailbox_id = ? WHERE account_id = ? AND item_id = ?');
const OF_ITEM = sql<readonly [credential: number, fetched: number, letGo: number]>(
  'SELECT credential_id, fetched, let_go FROM device_message WHERE account_id = ? AND item_id = ?',
);
const PAGE = sql<readonly [item: number, credential: number, mailbox: number, uid: number, email: number]>(`
  SELECT item_id, credential_id, mailbox_id, uid, email_id FROM device_message WHERE account_id = ? AND item_id > ? ORDER BY item_id LIMIT ?`);
const FORGET_ITEM = sql('DELETE FROM device_message WHERE account_id = ? AND item_id = ?');
const FORGET_ROW = sql('DELETE FROM device_message WHERE account_id = ? AND item_id = ? AND credential_id = ?');
const ACCOUNTS = sql<readonly [account: number]>(
  'SELECT DISTINCT account_id FROM device_message WHERE account_id > ? ORDER BY account_id LIMIT ?',
);

export async function devicesOf(tx: Reader, account: AccountId): Promise<Device[]> {
  const rows = await tx.all(DEVICES, account);
  return rows.map(([credential, firstSeen, lastSeen, start, shared]) => ({
    credential,
    firstSeen,
    lastSeen,
    start,
    shared,
  }));
}

/** What a device must not be shown again: everything it has let go. */
export async function letGoBy(tx: Reader, account: AccountId, credential: number): Promise<Set<ItemId>> {
  return new Set((await tx.all(LET_GO, account, credential)).map(([item]) => item as ItemId));
}

/** True when the device's row says all that a sign-in now would say: nothing to write. */
export function isUpToDate(device: Device | undefined, now: EpochSeconds): boolean {
  return device !== undefined && now - device.lastSeen < LAST_SEEN_STEP;
}

/** True for the password of somebody who has no other device. */
export function isPasswordAlone(credential: number, devices: readonly Device[]): boolean {
  return credential === PASSWORD && devices.every((device) => device.credential === PASSWORD);
}

/**
 * A device signs in. The first one of an account makes its password a device too, if that was used over POP3 of late, before there were
 * devices: what the first one deletes must not be missed by who has no device of their own yet.
 */
export async function meetDevice(
  tx: Writer,
  account: AccountId,
  credential: number,
  { now, silentBefore }: Pick<LetGoTerms, 'now' | 'silentBefore'>,
): Promise<void> {
  const isFirst = (await tx.all(DEVICES, account)).length === 0;
  await tx.run(ADD, account, credential, now, now);
  if (!isFirst || credential === PASSWORD) return;
  const used = await tx.get(POP3_USE, account, PASSWORD, silentBefore);
  if (used !== undefined) await tx.run(ADD, account, PASSWORD, used[0], used[0]);
}

/** From when on a device is shown messages, by the time they were received; 0: all. It need not have signed in yet. */
export async function setDeviceStart(
  tx: Writer,
  account: AccountId,
  credential: number,
  start: EpochSeconds,
  now: EpochSeconds,
): Promise<void> {
  await tx.run(SET_START, account, credential, now, now, start);
}

/** Two programs use one device's password at the same time. */
export async function noteShared(tx: Writer, account: AccountId, credential: number, now: EpochSeconds): Promise<void> {
  await tx.run(SET_SHARED, now, account, credential);
}

/** The device is no more: it holds nothing. */
export async function removeDevice(tx: Writer, account: AccountId, credential: number): Promise<void> {
  await tx.run(REMOVE, account, credential);
}

/** A message is gone for good. */
export async function forgetItem(tx: Writer, account: AccountId, item: ItemId): Promise<void> {
  await tx.run(FORGET_ITEM, account, item);
}

/** A message as a session's list has it. */
export interface SeenMessage {
  readonly uid: Uid;
  readonly item: ItemId;
  readonly email: EmailId;
}

/** Messages of one mailbox, in a session's list. */
export interface MailboxMessages {
  readonly mailbox: MailboxId;
  /** In order of UID. */
  readonly messages: readonly SeenMessage[];
}

/**
 * A device has retrieved messages of one mailbox. One that was moved meanwhile counts too: nobody retrieves it again when it comes back. Those that
 * are gone are left out.
 */
export async function noteFetched(
  tx: Writer,
  account: AccountId,
  credential: number,
  { mailbox, messages }: MailboxMessages,
  now: EpochSeconds,
): Promise<void> {
  const { there, moved } = await whereabouts(tx, account, mailbox, messages);
  for (const [uid, item, email] of [...there, ...moved]) {
    await tx.run(NOTE_FETCHED, account, item, credential, mailbox, uid, email, now);
  }
}

/**
 * Where the messages of a session's list are now. Those in no mailbox are left out.
 * @returns `there`: in the same mailbox, as they are, perhaps under another UID after they were away; `moved`: in another one
 */
async function whereabouts(
  tx: Reader,
  account: AccountId,
  mailbox: MailboxId,
  messages: readonly SeenMessage[],
): Promise<{ readonly there: MessageRow[]; readonly moved: MessageRow[] }> {
  const there = await readMessages(
    tx,
    account,
    mailbox,
    messages.map(({ uid }) => uid),
  );
  const moved: MessageRow[] = [];
  if (there.length === messages.length) return { there, moved };
  const found = new Set(there.map(([uid]) => uid));
  for (const message of messages) {
    if (found.has(message.uid)) continue;
    const now = await findMessage(tx, account, message);
    if (now === undefined) continue;
    if (now.mailbox === mailbox) there.push(now.row);
    else moved.push(now.row);
  }
  there.sort(([a], [b]) => a - b);
  return { there, moved };
}

export interface DeleteArgs {
  readonly account: AccountId;
  /** The device that deletes; null: the password, which was alone when it signed in. */
  readonly credential: number | null;
  readonly marked: readonly MailboxMessages[];
  readonly terms: LetGoTerms;
}

/**
 * POP3's QUIT: carries out what was marked, all of it or nothing. DELE names a message in one folder: one that was moved to another stays
 * there, since that is somebody's wish, but is not shown to this device again wherever it comes up. Gone is gone.
 * @returns how many messages the session is rid of
 */
export async function deleteByPop3(tx: Writer, { account, credential, marked, terms }: DeleteArgs): Promise<number> {
  let count = 0;
  // Another device may have signed in since the password did.
  const mayRemove = credential === null && isPasswordAlone(PASSWORD, await devicesOf(tx, account));
  for (const { mailbox, messages } of marked) {
    count += messages.length;
    const { there, moved } = await whereabouts(tx, account, mailbox, messages);
    const hidden = mayRemove ? moved : [...there, ...moved];
    for (const [uid, item, email] of hidden) {
      await tx.run(NOTE_LET_GO, account, item, credential ?? PASSWORD, mailbox, uid, email, terms.now);
    }
    await recordChange(
      tx,
      account,
      terms.by,
      'hidden',
      hidden.map((row) => row[2]),
      { from: mailbox },
    );
    if (!mayRemove) await settle(tx, account, mailbox, there, terms);
    else await remove(tx, account, mailbox, uidsOf(there), terms);
  }
  return count;
}

export interface SettleArgs {
  readonly account: AccountId;
  /** The last item of the page before; 0 at first. */
  readonly after: ItemId;
  readonly limit: number;
  readonly terms: LetGoTerms;
}

/**
 * Looks through a page of what the devices of an account have had, and does what has become due: devices fell silent, days have passed,
 * a device is gone.
 * @returns where to go on, or undefined at the end
 */
export async function settlePage(
  tx: Writer,
  { account, after, limit, terms }: SettleArgs,
): Promise<ItemId | undefined> {
  const known = new Set((await tx.all(DEVICES, account)).map(([credential]) => credential));
  const rows = await tx.all(PAGE, account, after, limit);
  const had = new Map<MailboxId, Map<ItemId, SeenMessage>>();
  for (const [item, credential, mailboxId, uid, email] of rows) {
    if (!known.has(credential)) {
      await tx.run(FORGET_ROW, account, item, credential);
      continue;
    }
    const mailbox = mailboxId as MailboxId;
    const seen = had.get(mailbox) ?? new Map<ItemId, SeenMessage>();
    const message = { uid: uid as Uid, item: item as ItemId, email: email as EmailId };
    had.set(mailbox, seen.set(message.item, message));
  }
  if (terms.rule.kind !== 'keep') {
    for (const [mailbox, seen] of had) {
      const messages = [...seen.values()].sort((a, b) => a.uid - b.uid);
      const { there } = await whereabouts(tx, account, mailbox, messages);
      await settle(tx, account, mailbox, there, terms);
    }
  }
  return rows.length < limit ? undefined : (rows.at(-1)![0] as ItemId);
}

/** Accounts whose devices have had something, a page of them after `after`. */
export async function accountsWithDevices(tx: Reader, after: AccountId, limit: number): Promise<AccountId[]> {
  return (await tx.all(ACCOUNTS, after, limit)).map(([account]) => account as AccountId);
}

/** Removes those of the messages that no device holds any more, as the rule has it. */
async function settle(
  tx: Writer,
  account: AccountId,
  mailbox: MailboxId,
  rows: readonly MessageRow[],
  terms: LetGoTerms,
): Promise<void> {
  const { rule, silentBefore, now, by } = terms;
  if (rule.kind === 'keep') return;
  const holders = (await devicesOf(tx, account)).filter(({ lastSeen }) => lastSeen >= silentBefore);
  const free: MessageRow[] = [];
  for (const row of rows) {
    const [, item, , , , , received] = row;
    const had = await tx.all(OF_ITEM, account, item);
    const done = new Map(had.map(([credential, fetched, letGo]) => [credential, [fetched, letGo] as const]));
    const isFree = ({ credential, start }: Device): boolean => {
      if (received < start) return true;
      const [fetched, letGo] = done.get(credential) ?? [0, 0];
      if (rule.kind !== 'after') return letGo > 0;
      const since = fetched > 0 ? fetched : letGo;
      return since > 0 && since + rule.seconds <= now;
    };
    // Somebody must have wished it, or had it: when all devices are silent, or came later, time alone removes nothing.
    const wasDone = [...done.values()].some(([fetched, letGo]) => letGo > 0 || (rule.kind === 'after' && fetched > 0));
    if (wasDone && holders.every(isFree)) free.push(row);
  }
  const uids = uidsOf(free);
  if (rule.kind !== 'move') return remove(tx, account, mailbox, uids, terms);
  if (free.length === 0) return;
  const to = await mailboxAt(tx, account, await placeNamed(tx, account, rule.folder));
  if (to.id === mailbox) return;
  await moveMessages(tx, { account, from: mailbox, uids, to: to.id, now, by });
  // Done once: somebody who moves it back wants it there.
  for (const [, item] of free) await tx.run(NOTE_MOVED, to.id, account, item);
}

function uidsOf(rows: readonly MessageRow[]): Uid[] {
  return rows.map(([uid]) => uid as Uid);
}

async function remove(
  tx: Writer,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly Uid[],
  { now, expires, by }: LetGoTerms,
): Promise<void> {
  if (uids.length === 0) return;
  const place = placeOf(await listMailboxes(tx, account), mailbox);
  if (place === undefined) return; // the folder is gone, with all that was in it
  await expungeMessages(tx, { account, mailbox, place, uids, onlyDeleted: false, now, expires, by });
}
