/**
 * Removed messages that can still be brought back, as rows: reading what there is, and putting messages back into mailboxes.
 *
 * A message that comes back is the one that went: the same item (so POP3's UIDL), email and thread, flags, INTERNALDATE and date of saving. Only
 * its UID is new, since a UID is never given twice; and \Deleted is off, or the next EXPUNGE of any client would take it away again.
 */
import { formatSize } from '../../config/units.ts';
import { Refused } from '../../errors.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { DELETED, DRAFT } from '../flags.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import type { Mailbox, Role } from '../types.ts';
import { type Claim, claim, overQuota } from './account-row.ts';
import { forgetItem } from './devices.ts';
import { emailKey, emailKeyOf, emailKeysOf } from './email-key.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { insertMessage, splitKeywords } from './message-row.ts';
import { type Place, Places, placeNamed } from './place.ts';
import { PURGE_ASKED } from './purge.ts';
import { recordChange } from './trace.ts';

type ListedRow = readonly [
  item: number,
  email: number,
  mailbox: number,
  path: string,
  ids: string,
  size: number,
  received: number,
  removed: number,
  expires: number,
  isLive: number,
  messageId: string | null,
  displayFrom: string,
  displayTo: string,
  subject: string,
  preview: string,
  envelope: string,
];

type RetainedRow = readonly [
  item: number,
  email: number,
  mailbox: number,
  path: string,
  ids: string,
  role: string | null,
  flags: number,
  keywords: string | null,
  size: number,
  received: number,
  saved: number,
  uidl: string | null,
];

const LISTED = `
  SELECT r.item_id, r.email_id, r.mailbox_id, r.mailbox_path, r.mailbox_ids, r.size, r.received, r.removed, r.expires,
    CASE WHEN EXISTS (SELECT 1 FROM message m WHERE m.account_id = r.account_id AND m.email_id = r.email_id) THEN 1 ELSE 0 END,
    e.message_id, e.display_from, e.display_to, e.subject, e.preview, e.envelope
  FROM retained r JOIN email e ON e.email_key = ${emailKeyOf('r')}`;
const PAGE = sql<ListedRow>(`
  ${LISTED} WHERE r.account_id = ? AND (r.removed, r.item_id) < (?, ?) AND r.expires > ${PURGE_ASKED} ORDER BY r.removed DESC, r.item_id DESC LIMIT ?`);
const LISTED_ONE = sql<ListedRow>(`${LISTED} WHERE r.account_id = ? AND r.item_id = ? AND r.expires > ${PURGE_ASKED}`);
/** One whose content was lost stays where it is, for `rainmail verify` to tell. */
const ONE = sql<RetainedRow>(`
  SELECT r.item_id, r.email_id, r.mailbox_id, r.mailbox_path, r.mailbox_ids, r.mailbox_role, r.flags, r.keywords, r.size, r.received, r.saved,
    r.uidl
  FROM retained r JOIN email e ON e.email_key = ${emailKeyOf('r')} WHERE r.account_id = ? AND r.item_id = ?`);
const TAKE = sql('DELETE FROM retained WHERE account_id = ? AND item_id = ?');
const UNCOUNT = sql(
  'UPDATE account SET retained_bytes = retained_bytes - ?, retained_count = retained_count - ? WHERE account_id = ?',
);
const REPLACEABLE = sql<
  readonly [item: number, email: number, sentIn: number | null, isDraft: number, messageId: string | null]
>(`
  SELECT r.item_id, r.email_id, CASE WHEN r.mailbox_role = 'sent' THEN r.mailbox_id END,
    CASE WHEN r.mailbox_role = 'drafts' OR (r.flags & ${DRAFT}) <> 0 THEN 1 ELSE 0 END, e.message_id
  FROM retained r JOIN email e ON e.email_key = ${emailKeyOf('r')} WHERE r.account_id = ? AND r.item_id > ? ORDER BY r.item_id LIMIT ?`);
const IN_MAILBOX = sql<readonly [found: number]>(
  'SELECT 1 FROM message WHERE account_id = ? AND email_id = ? AND mailbox_id = ? LIMIT 1',
);
const WAS_IN_MAILBOX = sql<readonly [found: number]>(
  'SELECT 1 FROM retained WHERE account_id = ? AND email_id = ? AND mailbox_id = ? LIMIT 1',
);
const MESSAGE_IDS = sql<readonly [key: number, email: number, messageId: string | null]>(`
  SELECT email_key, email_id, message_id FROM email WHERE email_key > ? AND email_key <= ? ORDER BY email_key LIMIT ?`);

/** A removed message as it is listed. */
export interface RetainedMessage {
  readonly item: ItemId;
  readonly email: EmailId;
  /** Where it was, and the name that folder had. */
  readonly place: Omit<Place, 'role'>;
  readonly size: number;
  readonly received: EpochSeconds;
  readonly removed: EpochSeconds;
  readonly expires: EpochSeconds;
  /** The same email stands in a mailbox still: it was copied before it was removed. */
  readonly isCopy: boolean;
  readonly messageId: string | null;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly preview: string;
  /** In IMAP's syntax. */
  readonly envelope: string;
}

/** Where a page of the list begins: behind this one. */
export type RetainedPosition = Pick<RetainedMessage, 'removed' | 'item'>;

/** A page of what was removed, the last first; the last page is shorter than PAGE_ROWS. */
export async function retainedAfter(
  tx: Reader,
  account: AccountId,
  after: RetainedPosition | undefined,
): Promise<RetainedMessage[]> {
  const { removed, item } = after ?? { removed: Number.MAX_SAFE_INTEGER, item: 0 };
  return (await tx.all(PAGE, account, removed, item, PAGE_ROWS)).map(toListed);
}

/** These of them that are there, at most PAGE_ROWS. */
export async function retainedNamed(
  tx: Reader,
  account: AccountId,
  items: readonly ItemId[],
): Promise<RetainedMessage[]> {
  const found: RetainedMessage[] = [];
  for (const item of items) {
    const row = await tx.get(LISTED_ONE, account, item);
    if (row !== undefined) found.push(toListed(row));
  }
  return found;
}

function toListed(row: ListedRow): RetainedMessage {
  const [item, email, mailbox, path, ids, size, received, removed, expires, isLive, messageId, from, to, subject] = row;
  return {
    item: item as ItemId,
    email: email as EmailId,
    place: { path, ids: ids || String(mailbox) },
    size,
    received,
    removed,
    expires,
    isCopy: isLive === 1,
    messageId,
    from,
    to,
    subject,
    preview: row[14],
    envelope: row[15],
  };
}

/** A removed message of which a newer version may have come, with the same Message-ID. */
export interface Replaceable {
  readonly item: ItemId;
  readonly email: EmailId;
  readonly messageId: string;
  /** The folder in which the newer version stands too; null for drafts, which any message of their Message-ID replaces. */
  readonly sentIn: MailboxId | null;
}

/**
 * Drafts, and messages from the folder for sent mail, on a page of what was removed, in order of item.
 * @returns `last`: undefined after the last page
 */
export async function replaceableAfter(
  tx: Reader,
  account: AccountId,
  after: ItemId,
): Promise<{ readonly messages: Replaceable[]; readonly last: ItemId | undefined }> {
  const rows = await tx.all(REPLACEABLE, account, after, PAGE_ROWS);
  const messages: Replaceable[] = [];
  for (const [item, email, sentIn, isDraft, messageId] of rows) {
    if (messageId === null || (isDraft === 0 && sentIn === null)) continue;
    const folder = isDraft === 1 ? null : (sentIn as MailboxId);
    messages.push({ item: item as ItemId, email: email as EmailId, messageId, sentIn: folder });
  }
  return { messages, last: rows.length < PAGE_ROWS ? undefined : (rows.at(-1)![0] as ItemId) };
}

/** True when the email stands in the mailbox, or was removed from it. */
export async function isOrWasIn(tx: Reader, account: AccountId, email: EmailId, mailbox: MailboxId): Promise<boolean> {
  if ((await tx.get(IN_MAILBOX, account, email, mailbox)) !== undefined) return true;
  return (await tx.get(WAS_IN_MAILBOX, account, email, mailbox)) !== undefined;
}

/** A page of Message-IDs of emails that came after one, in the order in which they came. */
export async function messageIdsAfter(
  tx: Reader,
  account: AccountId,
  after: EmailId,
): Promise<(readonly [email: EmailId, messageId: string | null])[]> {
  const rows = await tx.all(MESSAGE_IDS, emailKey(account, after), emailKeysOf(account)[1], PAGE_ROWS);
  return rows.map(([, email, messageId]) => [email as EmailId, messageId]);
}

export interface RestoreArgs {
  readonly account: AccountId;
  /** At most CHUNK_ROWS. Those that are not retained (any more) are left out. */
  readonly items: readonly ItemId[];
  /** One folder for all; absent: each where it was. */
  readonly to?: string;
  /** A new item without an imported unique id: POP3 clients take it for a new message. */
  readonly redeliver?: boolean;
  /** Although it fills the mailbox beyond its quota. */
  readonly overQuota?: boolean;
  /** Who does it; undefined: not to be noted. */
  readonly by?: TraceBy | undefined;
}

/** What came back into one mailbox; `items` and `uids` in the same order. */
export interface RestoredTo {
  readonly mailbox: Mailbox;
  readonly items: readonly ItemId[];
  readonly uids: readonly Uid[];
  readonly bytes: number;
}

/** Folders that are made in one transaction; each reads the hierarchy anew, which may be large. */
const MOST_MADE = 8;

/**
 * Brings removed messages back, all of a chunk or none, with one modseq; folders that are missing are made.
 * @returns `left`: those that wait for more folders than can be made in one transaction: come again with them
 * @throws Refused `quota.exceeded`, `limit.reached` (folders)
 */
export async function restoreRetained(
  tx: Writer,
  { account, items, to, redeliver = false, overQuota: mayExceed = false, by }: RestoreArgs,
): Promise<{ readonly restored: readonly RestoredTo[]; readonly left: readonly ItemId[] }> {
  const toPlace = to === undefined ? undefined : await placeNamed(tx, account, to);
  const groups = await rowsByPlace(tx, account, items, toPlace);
  // Of several folders that had a name one after the other, the last comes back as itself.
  groups.sort((a, b) => b.mailbox - a.mailbox);
  const places = new Places(tx, account);
  const targets = new Map<number, { readonly mailbox: Mailbox; readonly rows: RetainedRow[] }>();
  const left: ItemId[] = [];
  // Folders first: each that is made takes a modseq of its own.
  for (const { place, rows } of groups) {
    if (places.made >= MOST_MADE) {
      for (const [item] of rows) left.push(item as ItemId);
      continue;
    }
    const mailbox = await places.at(place);
    const target = targets.get(mailbox.id);
    if (target === undefined) targets.set(mailbox.id, { mailbox, rows });
    else for (const row of rows) target.rows.push(row);
  }
  if (targets.size === 0) return { restored: [], left };
  const all = [...targets.values()].flatMap(({ rows }) => rows);
  const bytes = all.reduce((sum, row) => sum + row[8], 0);
  const claimed = await claim(tx, account, { ids: redeliver ? all.length : 0, bytes, messages: all.length });
  if (overQuota(claimed) && !mayExceed) throw quotaRefusal(claimed, bytes);
  let nextItem = claimed.firstId;
  const restored: RestoredTo[] = [];
  for (const { mailbox, rows } of targets.values()) {
    const delta = new CountDelta();
    for (const row of rows) delta.add(row[6] & ~DELETED, row[8]);
    const { firstUid } = (await changeMailbox(tx, account, mailbox.id, claimed.modseq, delta, rows.length))!;
    const newItems: ItemId[] = [];
    for (const [index, row] of rows.entries()) {
      const [item, email, , , , , flags, keywords, size, received, saved, uidl] = row;
      const newItem = (redeliver ? nextItem++ : item) as ItemId;
      await tx.run(TAKE, account, item);
      // Or it would stay hidden from the POP3 devices that had deleted it.
      await forgetItem(tx, account, item as ItemId);
      await insertMessage(tx, account, mailbox.id, {
        uid: (firstUid + index) as Uid,
        item: newItem,
        email: email as EmailId,
        flags: { bits: flags & ~DELETED, keywords: splitKeywords(keywords) },
        size,
        received,
        modseq: claimed.modseq,
        saved,
        uidl: redeliver ? null : uidl,
      });
      newItems.push(newItem);
    }
    const emails = rows.map((row) => row[1]);
    await recordChange(tx, account, by, 'restored', emails, { to: mailbox.id });
    tx.changed({ account, mailbox: mailbox.id, modseq: claimed.modseq });
    restored.push({
      mailbox,
      items: newItems,
      uids: rows.map((_, index) => (firstUid + index) as Uid),
      bytes: delta.bytes,
    });
  }
  await tx.run(UNCOUNT, bytes, all.length, account);
  return { restored, left };
}

/** The rows that are there, with those of one place together, in the order of `items`. */
async function rowsByPlace(
  tx: Reader,
  account: AccountId,
  items: readonly ItemId[],
  to: Place | undefined,
): Promise<{ readonly mailbox: number; readonly place: Place; readonly rows: RetainedRow[] }[]> {
  const groups = new Map<string, { mailbox: number; place: Place; rows: RetainedRow[] }>();
  for (const item of items) {
    const row = await tx.get(ONE, account, item);
    if (row === undefined) continue;
    const [, , mailbox, path, ids, role] = row;
    const place = to ?? { path, ids: ids || String(mailbox), role: role as Role | null };
    const key = `${place.ids} ${place.path}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { mailbox, place, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

/** For the administrator, who can do something about it. */
export function quotaRefusal(
  { usedBytes, quotaBytes }: Pick<Claim, 'usedBytes' | 'quotaBytes'>,
  bytes: number,
): Refused {
  const room = Math.max(0, (quotaBytes ?? 0) - (usedBytes - bytes));
  return new Refused(
    'quota.exceeded',
    `These messages take ${formatSize(bytes)} and the mailbox has room for ${formatSize(room)}. Raise its quota, restore fewer of them, or add --over-quota.`,
  );
}
