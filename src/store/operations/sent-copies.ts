/**
 * What a person sends is in their Sent mailbox once: the server files it when it is submitted, and a client that files a copy of its own has
 * that one instead.
 *
 * Invariants
 * - A client's APPEND is never swallowed or changed: its copy keeps its UID and its bytes. The server's copy goes, in the same transaction.
 * - A copy is taken once: two submissions with one Message-ID need two copies of the client to replace both of the server's.
 * - Only what is the same message is taken for it: Message-ID and From, within a day.
 */
import type { MessageAnalysis } from '../../message/analysis.ts';
import { addressesIn } from '../../message/envelope-text.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { DRAFT, type Flags } from '../flags.ts';
import type { AccountId, EpochSeconds, ItemId, MailboxId, Uid } from '../ids.ts';
import type { TraceBy } from '../trace-types.ts';
import type { Role } from '../types.ts';
import { expungeMessages } from './expunge.ts';
import { createMailbox, listMailboxes } from './mailboxes.ts';
import { readMessages } from './message-row.ts';
import { placeOf } from './place.ts';

const A_DAY = 86_400;
/** Drafts carry the Message-ID they will be sent with; what is thrown away is no copy to keep. */
const NOT_FOR_COPIES: ReadonlySet<Role | null> = new Set(['drafts', 'junk', 'trash']);

type CopyRow = readonly [item: number, mailbox: number, uid: number];

const INSERT = sql(`
  INSERT INTO sent_copy (account_id, message_id, sender, item_id, mailbox_id, uid, by_server, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
const FIND = sql<CopyRow>(`
  SELECT item_id, mailbox_id, uid FROM sent_copy
  WHERE account_id = ? AND message_id = ? AND sender = ? AND by_server = ? AND at >= ? ORDER BY item_id LIMIT 1`);
const TAKE = sql('DELETE FROM sent_copy WHERE account_id = ? AND message_id = ? AND sender = ? AND item_id = ?');
const ROLE_OF = sql<readonly [role: string | null]>('SELECT role FROM mailbox WHERE account_id = ? AND mailbox_id = ?');
const OLD = sql<readonly [account: number, messageId: string, sender: string, item: number]>(
  'SELECT account_id, message_id, sender, item_id FROM sent_copy WHERE at < ? ORDER BY at LIMIT ?',
);

/** What tells one sent message from another. */
export interface SentId {
  readonly messageId: string;
  readonly sender: string;
}

/** A copy as it was filed. */
export interface SentCopy {
  readonly item: ItemId;
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

/** Null for a message that can't be known again. */
export function sentIdOf({ messageId, envelope }: MessageAnalysis): SentId | null {
  const [sender] = addressesIn(envelope, 'from');
  return messageId === null || sender === undefined ? null : { messageId, sender };
}

/** The mailbox for what was sent: the one with that use, else the one of that name, else a new one. */
export async function sentMailbox(tx: Writer, account: AccountId): Promise<MailboxId> {
  const mailboxes = await listMailboxes(tx, account);
  const found =
    mailboxes.find(({ role, selectable }) => role === 'sent' && selectable) ??
    mailboxes.find(({ path, selectable }) => path === 'Sent' && selectable);
  return found?.id ?? createMailbox(tx, account, 'Sent', 'sent');
}

/** A message is being submitted: has a client filed its own copy already? Then that is the one. @returns true when it has */
export async function takeClientsCopy(tx: Writer, account: AccountId, id: SentId, now: EpochSeconds): Promise<boolean> {
  return (await take(tx, account, id, { byServer: false, now })) !== undefined;
}

/** The server filed a copy of what was submitted. */
export function noteServersCopy(
  tx: Writer,
  account: AccountId,
  id: SentId,
  copy: SentCopy,
  now: EpochSeconds,
): Promise<void> {
  return note(tx, account, id, { ...copy, byServer: true, now });
}

/**
 * A client filed a message: if it is a copy of one that was submitted, the server's goes; if it may be the copy of one that will be, that is
 * noted. @param expires  until when the server's copy can be brought back
 */
export async function reconcileClientsCopy(
  tx: Writer,
  account: AccountId,
  analysis: MessageAnalysis,
  copy: SentCopy & { readonly flags: Flags },
  {
    now,
    expires,
    by,
  }: { readonly now: EpochSeconds; readonly expires: EpochSeconds; readonly by: TraceBy | undefined },
): Promise<void> {
  const fresh = analysis.sent !== null && Math.abs(now - analysis.sent) < A_DAY;
  const id = fresh && (copy.flags.bits & DRAFT) === 0 ? sentIdOf(analysis) : null;
  if (id === null) return;
  const [role] = (await tx.get(ROLE_OF, account, copy.mailbox)) ?? [null];
  if (NOT_FOR_COPIES.has(role as Role | null)) return;
  const servers = await take(tx, account, id, { byServer: true, now });
  if (servers === undefined) return note(tx, account, id, { ...copy, byServer: false, now });
  const [row] = await readMessages(tx, account, servers.mailbox, [servers.uid]);
  if (row?.[1] !== servers.item) return; // the person has moved or removed it meanwhile: it is theirs
  const place = placeOf(await listMailboxes(tx, account), servers.mailbox);
  if (place === undefined) return;
  const { mailbox, uid } = servers;
  await expungeMessages(tx, { account, mailbox, place, uids: [uid], onlyDeleted: false, now, expires, by });
}

/** Forgets copies of more than a day ago. @returns how many */
export async function forgetOldCopies(tx: Writer, now: EpochSeconds, limit: number): Promise<number> {
  const rows = await tx.all(OLD, now - A_DAY, limit);
  for (const row of rows) await tx.run(TAKE, ...row);
  return rows.length;
}

async function take(
  tx: Writer,
  account: AccountId,
  { messageId, sender }: SentId,
  { byServer, now }: { readonly byServer: boolean; readonly now: EpochSeconds },
): Promise<SentCopy | undefined> {
  const row = await tx.get(FIND, account, messageId, sender, byServer ? 1 : 0, now - A_DAY);
  if (row === undefined) return undefined;
  await tx.run(TAKE, account, messageId, sender, row[0]);
  return { item: row[0] as ItemId, mailbox: row[1] as MailboxId, uid: row[2] as Uid };
}

async function note(
  tx: Writer,
  account: AccountId,
  { messageId, sender }: SentId,
  { item, mailbox, uid, byServer, now }: SentCopy & { readonly byServer: boolean; readonly now: EpochSeconds },
): Promise<void> {
  await tx.run(INSERT, account, messageId, sender, item, mailbox, uid, byServer ? 1 : 0, now);
}
