/**
 * Filing new messages: delivery to many people, and APPEND. One transaction whatever the number of recipients; one body for all.
 */
import { Refused } from '../../errors.ts';
import { ANALYSIS_FORMAT } from '../../message/analysis.ts';
import { bccLine, envelopeBehind } from '../../message/envelope-text.ts';
import { serializeParts } from '../../message/stored-parts.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import { NO_FLAGS, SEEN } from '../flags.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, QueueId, ThreadId, TraceId, Uid } from '../ids.ts';
import { type Arrival, BY_SERVER, type TraceBy, type TracedCopy } from '../trace-types.ts';
import type {
  Appended,
  Delivered,
  DeliveryTarget,
  Filed,
  Outbound,
  SentTarget,
  StagedMessage,
  UidsAssigned,
} from '../types.ts';
import { type Claim, claim, overQuota, quotaRefusal } from './account-row.ts';
import { emailKey } from './email-key.ts';
import { CountDelta, changeMailbox } from './mailbox-row.ts';
import { INBOX } from './mailboxes.ts';
import { insertMessage } from './message-row.ts';
import { recordOrigin } from './origins.ts';
import { enqueue } from './queue.ts';
import { noteServersCopy, reconcileClientsCopy, sentIdOf, sentMailbox, takeClientsCopy } from './sent-copies.ts';
import { joinThread, threadRefs } from './threads.ts';
import { nextTraceId, recordAppended, recordChange, recordMessage, type Tracing } from './trace.ts';
import { tracedMessage } from './trace-delivery.ts';

const INSERT_EMAIL = sql(`
  INSERT INTO email (email_key, account_id, email_id, thread_id, format, segment_id, start, length, stored_length, codec, hash, received, sent,
    has_attachment, prefix, message_id, in_reply_to, refs, subject, base_subject, sort_from, sort_to, sort_cc, display_from, display_to,
    preview, envelope, body_structure, parts)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);

const UNCLAIM = sql('UPDATE account SET used_bytes = used_bytes - ?, used_count = used_count - ? WHERE account_id = ?');

// What has no unique id of another server is told by its item id (POP3's UIDL): ids to come must not be among those that were brought.
const SKIP_IDS = sql('UPDATE account SET next_id = ? WHERE account_id = ? AND next_id < ?');
/** Ids beyond are not reached: a brought number as large costs nothing. */
const SKIPPED_MOST = 1 << 28;

/** Email id and item id; a new thread takes the email's number. */
const IDS_A_MESSAGE = 2;

/** What is the same for every recipient, worked out once and outside the transaction. */
export interface PreparedMessage {
  readonly staged: StagedMessage;
  readonly parts: string;
  readonly refs: readonly number[];
}

export function prepareMessage(staged: StagedMessage): PreparedMessage {
  return { staged, parts: serializeParts(staged.analysis.root), refs: threadRefs(staged.analysis) };
}

export interface DeliverArgs {
  readonly targets: readonly DeliveryTarget[];
  /** The sender's own copy: filed when somebody has the message, or will. */
  readonly sent: SentTarget | undefined;
  /** Those who are elsewhere. */
  readonly outbound: readonly Outbound[];
  readonly now: EpochSeconds;
  /** How it came; undefined: not to be noted. */
  readonly trace: DeliverTrace | undefined;
}

export interface DeliverTrace extends Tracing {
  readonly arrival: Arrival;
}

/**
 * Files one message with each target; whose quota it exceeds, or whose mailbox is gone, gets a refusal instead; or it waits for room in the queue,
 * for those who may wait, when somebody has it. What leaves this server too is filed with all or not at all: a sender who repeats it would else
 * send it twice.
 * @throws Refused the first refusal, when the message leaves this server too
 */
export async function deliver(tx: Writer, message: PreparedMessage, args: DeliverArgs): Promise<Filed> {
  const { targets, sent, outbound, now, trace } = args;
  const { staged } = message;
  const byTarget = new Map<DeliveryTarget, Filed['outcomes'][number]>();
  for (const target of [...targets].sort((a, b) => a.account - b.account)) {
    const outcome = await deliverTo(tx, message, target, now);
    if (outcome instanceof Refused && outbound.length > 0 && !mayWait(target, outcome)) throw outcome;
    byTarget.set(target, outcome);
  }
  const isSomewhere = outbound.length > 0 || byTarget.values().some((outcome) => !(outcome instanceof Refused));
  const copy = sent !== undefined && isSomewhere ? await fileSent(tx, message, sent, now) : null;
  const emails = new Map<AccountId, EmailId>();
  if (sent !== undefined && copy !== null) emails.set(sent.account, copy);
  const traceId = trace === undefined ? NOT_TRACED : await nextTraceId(tx, trace.clock);
  const wait = async (each: Outbound): Promise<QueueId> => {
    const email = emails.get(each.account) ?? (await insertEmailAlone(tx, message, each.account, now));
    emails.set(each.account, email);
    return enqueue(tx, each, { email, trace: traceId }, now);
  };
  const queued: QueueId[] = [];
  for (const each of outbound) queued.push(await wait(each));
  for (const [target, outcome] of byTarget) {
    if (!isSomewhere || !mayWait(target, outcome)) continue;
    byTarget.set(target, { account: target.account, waitsAs: await wait(target.waits) });
  }
  const outcomes = targets.map((target) => byTarget.get(target)!);
  if (trace !== undefined) {
    const message = tracedMessage(staged, args, trace, { outcomes, queued, copy });
    await recordMessage(tx, traceId, message, staged.analysis.messageId);
  }
  return { outcomes, queued };
}

/** It is for want of room alone that there is no copy. */
function mayWait(
  target: DeliveryTarget,
  outcome: Filed['outcomes'][number],
): target is DeliveryTarget & Required<Pick<DeliveryTarget, 'waits'>> {
  return outcome instanceof Refused && outcome.code === 'quota.exceeded' && target.waits !== undefined;
}

const NOT_TRACED = 0 as TraceId;

/** An email in no mailbox: the bytes of what waits in the queue. */
async function insertEmailAlone(tx: Writer, message: PreparedMessage, account: AccountId, now: EpochSeconds) {
  const { firstId } = await claim(tx, account, { ids: 1, bytes: 0, messages: 0, toLeave: true });
  return insertEmail(tx, account, message, NO_PREFIX, firstId as EmailId, now);
}

/**
 * The sender's copy, seen, with the recipients that nobody else is told; unless a client has filed its own before.
 * @returns its email; null when the client's is the one
 */
async function fileSent(
  tx: Writer,
  message: PreparedMessage,
  { account, bcc }: SentTarget,
  now: EpochSeconds,
): Promise<EmailId | null> {
  const { staged } = message;
  const id = sentIdOf(staged.analysis);
  if (id !== null && (await takeClientsCopy(tx, account, id, now))) return null;
  const prefix = bccLine(bcc);
  const size = prefix.length + staged.body.length;
  const mailbox = await sentMailbox(tx, account);
  const { modseq, firstId } = await claim(tx, account, { ids: IDS_A_MESSAGE, bytes: size, messages: 1 });
  const flags = { bits: SEEN, keywords: [] };
  const delta = new CountDelta();
  delta.add(flags.bits, size);
  const { firstUid: uid } = (await changeMailbox(tx, account, mailbox, modseq, delta, 1))!;
  const email = await insertEmail(tx, account, message, prefix, firstId as EmailId, now);
  const item = (firstId + 1) as ItemId;
  const filed = { uid, item, email, flags, size, modseq, received: now, saved: now, uidl: null };
  await insertMessage(tx, account, mailbox, filed);
  if (id !== null) await noteServersCopy(tx, account, id, { item, mailbox, uid }, now);
  tx.changed({ account, mailbox, modseq });
  return email;
}

async function deliverTo(
  tx: Writer,
  message: PreparedMessage,
  target: DeliveryTarget,
  now: EpochSeconds,
): Promise<Delivered | Refused> {
  const { account, mailbox = INBOX, flags = NO_FLAGS, prefix, evenIfFull = false } = target;
  const size = prefix.length + message.staged.body.length;
  const claimed = await claim(tx, account, { ids: IDS_A_MESSAGE, bytes: size, messages: 1 });
  const delta = new CountDelta();
  delta.add(flags.bits, size);
  const full = overQuota(claimed) && !evenIfFull;
  const changed = full ? undefined : await changeMailbox(tx, account, mailbox, claimed.modseq, delta, 1);
  if (changed === undefined) {
    await tx.run(UNCLAIM, size, 1, account);
    return full ? quotaRefusal(claimed) : new Refused('mailbox.missing', 'The mailbox no longer exists.');
  }
  const email = await insertEmail(tx, account, message, prefix, claimed.firstId as EmailId, now);
  const filed = { flags, size, received: now, modseq: claimed.modseq, saved: now, uidl: null };
  await insertMessage(tx, account, mailbox, {
    ...filed,
    uid: changed.firstUid,
    item: (claimed.firstId + 1) as ItemId,
    email,
  });
  tx.changed({ account, mailbox, modseq: claimed.modseq });
  return { account, mailbox, uid: changed.firstUid, email };
}

export interface AppendArgs {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly messages: readonly { readonly message: PreparedMessage; readonly appended: Omit<Appended, 'staged'> }[];
  readonly now: EpochSeconds;
  /** Until when a copy of the server's that a client's replaces can be brought back. */
  readonly expires: EpochSeconds;
  /** Who adds them; undefined: not to be noted. */
  readonly trace: (Tracing & { readonly by: TraceBy }) | undefined;
}

/** Adds messages to one mailbox, all or none. @throws Refused `quota.exceeded`, `mailbox.missing`, `transfer.busy` */
export async function append(tx: Writer, args: AppendArgs): Promise<UidsAssigned> {
  const { account, mailbox, messages, now, expires, trace } = args;
  const delta = new CountDelta();
  for (const { message, appended } of messages) delta.add(appended.flags.bits, message.staged.body.length);
  const brought = Math.max(0, ...messages.map(({ appended }) => idLike(appended.uidl)));
  if (brought > 0) await tx.run(SKIP_IDS, brought + 1, account, brought + 1);
  const ids = IDS_A_MESSAGE * messages.length;
  const claimed: Claim = await claim(tx, account, { ids, bytes: delta.bytes, messages: messages.length });
  if (overQuota(claimed)) throw quotaRefusal(claimed);
  const changed = await changeMailbox(tx, account, mailbox, claimed.modseq, delta, messages.length);
  if (changed === undefined) throw new Refused('mailbox.missing', 'The mailbox does not exist.');
  const uids: Uid[] = [];
  const filed: (TracedCopy & { readonly staged: StagedMessage; readonly byClient: boolean })[] = [];
  for (const [index, { message, appended }] of messages.entries()) {
    const firstId = claimed.firstId + index * IDS_A_MESSAGE;
    const received = appended.received ?? now;
    const uid = (changed.firstUid + index) as Uid;
    const email = await insertEmail(tx, account, message, NO_PREFIX, firstId as EmailId, received);
    await insertMessage(tx, account, mailbox, {
      uid,
      item: (firstId + 1) as ItemId,
      email,
      flags: appended.flags,
      size: message.staged.body.length,
      received,
      modseq: claimed.modseq,
      saved: now,
      uidl: appended.uidl ?? null,
    });
    if (appended.origin !== undefined) await recordOrigin(tx, account, { ...appended.origin, mailbox, uid });
    if (appended.byClient === true) {
      const copy = { item: (firstId + 1) as ItemId, mailbox, uid, flags: appended.flags };
      await reconcileClientsCopy(tx, account, message.staged.analysis, copy, { now, expires, by: trace && BY_SERVER });
    }
    filed.push({ account, mailbox, email, staged: message.staged, byClient: appended.byClient === true });
    uids.push(uid);
  }
  if (trace !== undefined) {
    const imported = filed.filter(({ byClient }) => !byClient).map(({ email }) => email);
    await recordAppended(
      tx,
      trace,
      filed.filter(({ byClient }) => byClient),
    );
    await recordChange(tx, account, trace.by, 'imported', imported, { to: mailbox });
  }
  tx.changed({ account, mailbox, modseq: claimed.modseq });
  return { uidvalidity: changed.uidvalidity, uids };
}

/** The number that a unique id is, if an item id might be written like it; else 0. */
function idLike(uidl: string | undefined): number {
  if (uidl === undefined || !/^[1-9]\d{0,8}$/.test(uidl)) return 0;
  return Number(uidl) > SKIPPED_MOST ? 0 : Number(uidl);
}

const NO_PREFIX = Buffer.alloc(0);

/** Makes the row of an email, in the thread it belongs to. @returns its id */
export async function insertEmail(
  tx: Writer,
  account: AccountId,
  { staged: { body, analysis }, parts, refs }: PreparedMessage,
  prefix: Buffer,
  email: EmailId,
  received: EpochSeconds,
): Promise<EmailId> {
  const thread = await joinThread(tx, account, refs, email as number as ThreadId);
  await tx.run(
    INSERT_EMAIL,
    emailKey(account, email),
    account,
    email,
    thread,
    ANALYSIS_FORMAT,
    body.segment,
    body.offset,
    body.length,
    body.storedLength,
    body.codec,
    body.hash,
    received,
    analysis.sent,
    analysis.hasAttachment ? 1 : 0,
    prefix,
    analysis.messageId,
    analysis.inReplyTo.join('\n'),
    analysis.references.join('\n'),
    analysis.subject,
    analysis.baseSubject,
    analysis.sortFrom,
    analysis.sortTo,
    analysis.sortCc,
    analysis.displayFrom,
    analysis.displayTo,
    analysis.preview,
    envelopeBehind(prefix, analysis.envelope),
    analysis.bodyStructure,
    parts,
  );
  return email;
}
