/** The rules of message rows, present and removed, and of tombstones. */
import { sql } from '../engine/sql.ts';
import { FLAG_BITS } from '../flags.ts';
import { type MailboxId, nowSeconds, type Uid } from '../ids.ts';
import { emailKeyOf } from '../operations/email-key.ts';
import { INSERT_TOMBSTONE } from '../operations/expunge.ts';
import { DELETE_MESSAGE } from '../operations/message-row.ts';
import { type Inspection, LIMIT, type Mender, RECOVERED, SINCE_MADE } from './inspection.ts';

/** Rows of a page: a snapshot in a thread of its own may take its time. */
const PAGE = 2_000;
/** Seconds of the year 9999: no date is later. */
const LAST_DATE = 253_402_300_799;
const ALL_FLAGS = FLAG_BITS.reduce((all, [, bit]) => all | bit, 0);

type MessageRow = readonly [
  mailbox: number,
  uid: number,
  item: number,
  email: number,
  flags: number,
  size: number,
  received: number,
  saved: number,
  uidl: string | null,
  emailSize: number | null,
  emailReceived: number | null,
];

/** A message with what it leans on. */
const MESSAGES = sql<MessageRow>(`
  SELECT m.mailbox_id, m.uid, m.item_id, m.email_id, m.flags, m.size, m.received, m.saved, m.uidl, e.length + length(e.prefix), e.received
  FROM message m LEFT JOIN email e ON e.email_key = ${emailKeyOf('m')}
  WHERE m.account_id = ? AND (m.mailbox_id, m.uid) > (?, ?) ORDER BY m.mailbox_id, m.uid LIMIT ?`);

const RETAINED = sql<
  readonly [item: number, size: number, flags: number, path: string, uidl: string | null, emailSize: number | null]
>(`
  SELECT r.item_id, r.size, r.flags, r.mailbox_path, r.uidl, e.length + length(e.prefix) FROM retained r
  LEFT JOIN email e ON e.email_key = ${emailKeyOf('r')}
  WHERE r.account_id = ? AND r.item_id > ? ORDER BY r.item_id LIMIT ?`);

/** Tombstones of messages that are there. */
const UNDEAD = sql<readonly [modseq: number, mailbox: number, uid: number]>(`
  SELECT x.modseq, x.mailbox_id, x.uid FROM expunged x
  JOIN message m ON m.account_id = x.account_id AND m.mailbox_id = x.mailbox_id AND m.uid = x.uid
  WHERE x.account_id = ? AND ${SINCE_MADE}`);

const MOVE = sql(`
  UPDATE message SET mailbox_id = ?, uid = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?`);
const SET_ITEM = sql('UPDATE message SET item_id = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?');
const SET_SIZE = sql('UPDATE message SET size = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?');
const SET_FLAGS = sql('UPDATE message SET flags = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?');
const SET_DATES = sql(`
  UPDATE message SET received = ?, saved = ?, modseq = ? WHERE account_id = ? AND mailbox_id = ? AND uid = ?`);
const DELETE_RETAINED = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const SET_RETAINED_ITEM = sql('UPDATE retained SET item_id = ? WHERE account_id = ? AND item_id = ?');
const SET_RETAINED = sql('UPDATE retained SET size = ?, flags = ? WHERE account_id = ? AND item_id = ?');
const DELETE_TOMBSTONE = sql('DELETE FROM expunged WHERE account_id = ? AND modseq = ? AND mailbox_id = ? AND uid = ?');

/** @param paths whole names of the folders that exist. @returns how many messages there are */
export async function checkMessages(inspection: Inspection, paths: ReadonlyMap<MailboxId, string>): Promise<number> {
  const { tx, account } = inspection;
  const items = new Set<number>();
  let messages = 0;
  let after: readonly [number, number] = [0, 0];
  for (;;) {
    const rows = await tx.all(MESSAGES, account, ...after, PAGE);
    for (const row of rows) await checkMessage(inspection, row, paths, items);
    messages += rows.length;
    if (rows.length < PAGE) break;
    const [mailbox, uid] = rows.at(-1)!;
    after = [mailbox, uid];
  }
  await checkRetained(inspection, items);
  for (const [modseq, mailbox, uid] of await tx.all(UNDEAD, account)) {
    const where = paths.get(mailbox as MailboxId);
    await inspection.find(
      {
        ...(where === undefined ? {} : { mailbox: where }),
        uid,
        code: 'removed',
        text: 'it is there and told as removed',
      },
      'no longer told',
      async (mender) => void (await mender.tx.run(DELETE_TOMBSTONE, account, modseq, mailbox, uid)),
    );
  }
  return messages;
}

/** A message is mended by one rule at a time: what is moved or gone is looked at again by the next `--repair`. */
async function checkMessage(
  inspection: Inspection,
  [mailbox, uid, item, email, flags, size, received, saved, uidl, emailSize, emailReceived]: MessageRow,
  paths: ReadonlyMap<MailboxId, string>,
  items: Set<number>,
): Promise<void> {
  const { account } = inspection;
  const path = paths.get(mailbox as MailboxId);
  const at = { mailbox: path ?? `(folder ${mailbox})`, uid };
  const key = [account, mailbox, uid] as const;
  if (emailSize === null) {
    const was = `${size} bytes, received ${dateText(received)}, unique id ${uidl ?? item}`;
    return inspection.find(
      { ...at, code: 'email', text: `its content (${email}) is lost; it had ${was}` },
      'removed; a backup may have it',
      (mender) => remove(mender, mailbox as MailboxId, uid as Uid, email),
    );
  }
  if (path === undefined || uid < 1 || uid >= LIMIT) {
    const text = path === undefined ? 'its folder does not exist' : 'its UID is none';
    return inspection.find({ ...at, code: 'mailbox', text }, `moved to ${RECOVERED}`, async (mender) => {
      const to = await mender.recovered();
      const newUid = await mender.newUid(to);
      await mender.tx.run(MOVE, to, newUid, await mender.modseq(to), ...key);
      items.add(item);
    });
  }
  if (items.has(item) || item < 1 || item >= LIMIT) {
    await inspection.find(
      { ...at, code: 'item', text: `its unique id, ${item}, is another message’s too, or none` },
      'it has a new one; POP3 clients may fetch it again',
      async (mender) =>
        void (await mender.tx.run(SET_ITEM, await mender.newId(), await mender.modseq(mailbox as MailboxId), ...key)),
    );
  }
  items.add(item);
  if (emailSize !== size) {
    await inspection.find(
      { ...at, code: 'email', text: `it counts ${size} bytes, its content ${emailSize}` },
      'counted anew',
      async (mender) =>
        void (await mender.tx.run(SET_SIZE, emailSize, await mender.modseq(mailbox as MailboxId), ...key)),
    );
  }
  if ((flags & ~ALL_FLAGS) !== 0 || flags < 0) {
    await inspection.find(
      { ...at, code: 'item', text: 'it has flags that nobody knows' },
      'taken away',
      async (mender) =>
        void (await mender.tx.run(SET_FLAGS, flags & ALL_FLAGS, await mender.modseq(mailbox as MailboxId), ...key)),
    );
  }
  if (!isDate(received) || !isDate(saved)) {
    const date = [received, emailReceived ?? -1, saved].find(isDate) ?? 0;
    await inspection.find(
      { ...at, code: 'item', text: 'its date is none' },
      `now ${dateText(date)}`,
      async (mender) =>
        void (await mender.tx.run(SET_DATES, date, date, await mender.modseq(mailbox as MailboxId), ...key)),
    );
  }
}

async function checkRetained(inspection: Inspection, items: ReadonlySet<number>): Promise<void> {
  const { tx, account } = inspection;
  let after = -1;
  for (;;) {
    const rows = await tx.all(RETAINED, account, after, PAGE);
    for (const [item, size, flags, path, uidl, emailSize] of rows) {
      const which = `the removed message ${uidl ?? item} of ${path}`;
      if (emailSize === null) {
        await inspection.find(
          { code: 'email', text: `${which} (${size} bytes) has lost its content` },
          'no longer offered; a backup may have it',
          async (mender) => void (await mender.tx.run(DELETE_RETAINED, account, item)),
        );
      } else if (emailSize !== size || (flags & ~ALL_FLAGS) !== 0) {
        await inspection.find(
          {
            code: 'email',
            text: `${which} counts ${size} bytes, its content ${emailSize}; or it has flags that nobody knows`,
          },
          'set right',
          async (mender) => void (await mender.tx.run(SET_RETAINED, emailSize, flags & ALL_FLAGS, account, item)),
        );
      }
      if (items.has(item) && emailSize !== null) {
        await inspection.find(
          { code: 'item', text: `${which} has the unique id of a present one` },
          'it has a new one',
          async (mender) => void (await mender.tx.run(SET_RETAINED_ITEM, await mender.newId(), account, item)),
        );
      }
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)![0];
  }
}

/** Without its content's row there is nothing to show, and a restore can only put it back where it is not. */
async function remove(mender: Mender, mailbox: MailboxId, uid: Uid, email: number): Promise<void> {
  const modseq = await mender.modseq(mailbox);
  await mender.tx.run(DELETE_MESSAGE, mender.account, mailbox, uid);
  await mender.tx.run(INSERT_TOMBSTONE, mender.account, modseq, mailbox, uid, email, nowSeconds());
}

function isDate(seconds: number): boolean {
  return seconds >= 0 && seconds <= LAST_DATE;
}

function dateText(seconds: number): string {
  return isDate(seconds) ? new Date(seconds * 1000).toISOString().slice(0, 10) : 'at an unknown time';
}
