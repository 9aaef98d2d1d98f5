/**
 * Writing the trace: what became of every message, in the transaction of what it tells of, so that neither is there without the other.
 *
 * Invariants
 * - Numbers rise with time: in the order of commits within a table of the trace, whatever the clock does.
 * - One row for a message however many people have it, and one for a change however many messages: what it costs does not grow with them.
 */
import { addressesIn } from '../../message/envelope-text.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, Milliseconds, TraceId } from '../ids.ts';
import { formatRuns } from '../number-runs.ts';
import { authorsBeside } from '../trace-authors.ts';
import { keysOf } from '../trace-keys.ts';
import type {
  TraceBy,
  TraceChangeDetail,
  TraceChangeKind,
  Traced,
  TracedCopy,
  TraceEventDetail,
  TraceEventKind,
} from '../trace-types.ts';
import type { StagedMessage } from '../types.ts';

/** Numbers for each millisecond: more are lent by those that follow. 2^53 of them last until 2248. */
const NUMBERS_A_MS = 1_024;

const LAST = sql<readonly [last: number | null]>('SELECT max(trace_id) FROM trace');
const INSERT = sql('INSERT INTO trace (trace_id, sender, message_id, keys, detail) VALUES (?, ?, ?, ?, ?)');
const LAST_EVENT = sql<readonly [last: number | null]>('SELECT max(event_id) FROM trace_event WHERE trace_id = ?');
const INSERT_EVENT = sql('INSERT INTO trace_event (trace_id, event_id, kind, detail) VALUES (?, ?, ?, ?)');
const LAST_CHANGE = sql<readonly [last: number | null]>(
  'SELECT max(change_id) FROM trace_change WHERE account_id = ? AND change_id < ?',
);
const INSERT_CHANGE = sql(`
  INSERT INTO trace_change (account_id, change_id, kind, via, device, emails, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`);

/** When what has this number was written. */
export function traceTime(id: number): Milliseconds {
  return Math.floor(id / NUMBERS_A_MS);
}

/** The least number of a moment. */
export function firstTraceId(at: Milliseconds): TraceId {
  return (at * NUMBERS_A_MS) as TraceId;
}

function numberAfter(last: number | null | undefined, at: Milliseconds): number {
  return Math.max(firstTraceId(at), (last ?? 0) + 1);
}

/** The last number that was given: one process writes to a store, so it is read once. Those of transactions that were rolled back are left out. */
export interface TraceClock {
  last: TraceId | undefined;
}

/** A number for the next message. */
export async function nextTraceId(tx: Writer, clock: TraceClock): Promise<TraceId> {
  clock.last = numberAfter(clock.last ?? (await tx.get(LAST))?.[0], Date.now()) as TraceId;
  return clock.last;
}

/** A message came, or was refused. */
export async function recordMessage(tx: Writer, id: TraceId, message: Traced, messageId: string | null): Promise<void> {
  const { sender, ...detail } = message;
  await tx.run(INSERT, id, sender, messageId ?? '', keysOf(message, messageId), JSON.stringify(detail));
}

/** Something became of a message on its way out. Of one that came before there was a trace nothing is noted. */
export async function recordEvent(
  tx: Writer,
  trace: TraceId,
  kind: TraceEventKind,
  detail: TraceEventDetail,
): Promise<void> {
  if (trace === 0) return;
  const event = numberAfter((await tx.get(LAST_EVENT, trace))?.[0], Date.now());
  await tx.run(INSERT_EVENT, trace, event, kind, JSON.stringify(detail));
}

/**
 * Something was done with mail of an account.
 * @param by  undefined: nothing is to be noted
 * @param emails  whose; may have doubles
 */
export async function recordChange(
  tx: Writer,
  account: AccountId,
  by: TraceBy | undefined,
  kind: TraceChangeKind,
  emails: Iterable<number>,
  detail: TraceChangeDetail = {},
): Promise<void> {
  if (by === undefined) return;
  await insertChange(tx, account, by, kind, formatRuns(emails), detail, Number.MAX_SAFE_INTEGER, Date.now());
}

/** The same of something that was over before: it stands before what was done since. */
export async function recordEarlierChange(
  tx: Writer,
  account: AccountId,
  by: TraceBy,
  kind: TraceChangeKind,
  emails: Iterable<number>,
  at: Milliseconds,
): Promise<void> {
  await insertChange(tx, account, by, kind, formatRuns(emails), {}, firstTraceId(at + 1), at);
}

async function insertChange(
  tx: Writer,
  account: AccountId,
  by: TraceBy,
  kind: TraceChangeKind,
  runs: string,
  detail: TraceChangeDetail,
  before: number,
  at: Milliseconds,
): Promise<void> {
  if (runs === '' && kind !== 'folder') return;
  const change = numberAfter((await tx.get(LAST_CHANGE, account, before))?.[0], at);
  await tx.run(INSERT_CHANGE, account, change, kind, by.via, by.device, runs, JSON.stringify(detail));
}

/** How to note messages that are filed. */
export interface Tracing {
  readonly clock: TraceClock;
  readonly subjects: boolean;
}

/** What the store knows of a message by itself. */
export function factsOf(
  { body, analysis }: StagedMessage,
  sender: string,
  { subjects }: Pick<Tracing, 'subjects'>,
): Pick<Traced, 'sizeBytes' | 'subject' | 'authors'> {
  const authors = authorsBeside(analysis.envelope, sender);
  return {
    sizeBytes: body.length,
    ...(authors.length > 0 && { authors }),
    ...(subjects && { subject: analysis.subject.slice(0, MOST_SUBJECT) }),
  };
}

const MOST_SUBJECT = 200;

/** Mail programs filed messages in a mailbox. */
export async function recordAppended(
  tx: Writer,
  tracing: Tracing & { readonly by: TraceBy },
  copies: readonly (TracedCopy & { readonly staged: StagedMessage })[],
): Promise<void> {
  for (const { staged, account, mailbox, email } of copies) {
    const { analysis } = staged;
    const [sender = ''] = addressesIn(analysis.envelope, 'from');
    const arrival = { how: 'append', sender, recipients: [], account, device: tracing.by.device } as const;
    const filed = [{ account, mailbox, email }];
    await recordMessage(
      tx,
      await nextTraceId(tx, tracing.clock),
      { ...arrival, ...factsOf(staged, sender, tracing), filed },
      analysis.messageId,
    );
  }
}
