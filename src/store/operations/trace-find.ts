/**
 * What messages of the trace are found by. Housekeeping writes the keys, some time after the messages: a message touches no page of the table of keys
 * when it comes, and keys of many are written in their order. What has none yet is looked through one by one (store/trace.ts).
 *
 * Invariant: a message up to the mark `trace.found` has all its keys, until it is pruned, and its keys with it.
 */
import { hash } from 'node:crypto';
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, TraceId } from '../ids.ts';
import type { Traced, TraceFilter, TraceRow } from '../trace-types.ts';
import { getMeta, setMeta } from './meta.ts';
import { traceTime } from './trace.ts';

type Row = readonly [id: number, sender: string, messageId: string, detail: string];

const COLUMNS = 't.trace_id, t.sender, t.message_id, t.detail';
const PAGE = sql<Row>(
  `SELECT ${COLUMNS} FROM trace t WHERE t.trace_id >= ? AND t.trace_id < ? ORDER BY t.trace_id DESC LIMIT ?`,
);
const PAGE_BY_KEY = sql<Row>(`
  SELECT ${COLUMNS} FROM trace_key k JOIN trace t ON t.trace_id = k.trace_id
  WHERE k.key = ? AND k.trace_id >= ? AND k.trace_id < ? ORDER BY k.trace_id DESC LIMIT ?`);
const AFTER = sql<Row>(`SELECT ${COLUMNS} FROM trace t WHERE t.trace_id > ? ORDER BY t.trace_id LIMIT ?`);
const OLD = sql<Row>(`SELECT ${COLUMNS} FROM trace t WHERE t.trace_id < ? ORDER BY t.trace_id LIMIT ?`);
const INSERT_KEY = sql('INSERT INTO trace_key (key, trace_id) VALUES (?, ?) ON CONFLICT (key, trace_id) DO NOTHING');
const DELETE_KEY = sql('DELETE FROM trace_key WHERE key = ? AND trace_id = ?');
const DELETE = sql('DELETE FROM trace WHERE trace_id = ?');
const DELETE_EVENTS = sql(`
  DELETE FROM trace_event WHERE (trace_id, event_id) IN (SELECT trace_id, event_id FROM trace_event WHERE trace_id < ? LIMIT ?)`);
const ACCOUNT_AFTER = sql<readonly [account: number]>(
  'SELECT account_id FROM trace_change WHERE account_id > ? ORDER BY account_id LIMIT 1',
);
const DELETE_CHANGES = sql(`
  DELETE FROM trace_change WHERE account_id = ? AND change_id IN
    (SELECT change_id FROM trace_change WHERE account_id = ? AND change_id < ? ORDER BY change_id LIMIT ?)`);

/** Keys written in one transaction, or a little more: a message may have a thousand recipients. */
const KEYS_A_STEP = 1_000;

/** Addresses as they are compared. */
function folded(address: string): string {
  return address.normalize('NFC').toLowerCase();
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

function keyOf(kind: string, value: string | number): number {
  return Number.parseInt(hash('sha256', `${kind} ${value}`).slice(0, 12), 16);
}

/** Everybody in whose mail it is, or was to be. */
function accountsOf({ account, filed = [], unfiled = [], sent, queued = [] }: Traced): Set<AccountId> {
  const all = [...filed, ...unfiled, ...queued].map((each) => each.account);
  return new Set([account, sent?.account, ...all].filter((each) => each !== undefined));
}

function keysOf({ message, messageId }: TraceRow): Set<number> {
  const keys = new Set<number>();
  const addresses = (kind: string, address: string): void => {
    const whole = folded(address);
    keys.add(keyOf(kind, whole)).add(keyOf(`${kind} domain`, domainOf(whole)));
  };
  addresses('from', message.sender);
  for (const { address } of message.recipients) addresses('to', address);
  if (messageId !== null) keys.add(keyOf('id', messageId));
  for (const { queue } of message.queued ?? []) keys.add(keyOf('queue', queue));
  for (const account of accountsOf(message)) keys.add(keyOf('account', account));
  return keys;
}

/** What a filter is looked up by, the one that leaves least first; undefined: only by time. */
export function keyFor({ messageId, queue, from, to, account }: TraceFilter): number | undefined {
  if (messageId !== undefined) return keyOf('id', bare(messageId));
  if (queue !== undefined) return keyOf('queue', queue);
  const address = (kind: string, text: string): number =>
    isDomain(text) ? keyOf(`${kind} domain`, domainOf(folded(text))) : keyOf(kind, sought(text));
  if (from !== undefined && !isDomain(from)) return address('from', from);
  if (to !== undefined && !isDomain(to)) return address('to', to);
  if (account !== undefined) return keyOf('account', account);
  if (from !== undefined) return address('from', from);
  if (to !== undefined) return address('to', to);
  return undefined;
}

/** Looks at the message itself: a key is a hash, and speaks of one condition. */
export function matcher({ messageId, queue, from, to, account }: TraceFilter): (row: TraceRow) => boolean {
  const fits = (wanted: string) => {
    const text = sought(wanted);
    const suffix = `@${domainOf(text)}`;
    return isDomain(wanted)
      ? (address: string) => folded(address).endsWith(suffix)
      : (address: string) => folded(address) === text;
  };
  const fromFits = from === undefined ? undefined : fits(from);
  const toFits = to === undefined ? undefined : fits(to);
  const id = messageId === undefined ? undefined : bare(messageId);
  return ({ message, messageId: itsId }) =>
    (id === undefined || itsId === id) &&
    (queue === undefined || (message.queued ?? []).some((each) => each.queue === queue)) &&
    (fromFits === undefined || fromFits(message.sender)) &&
    (toFits === undefined || message.recipients.some(({ address }) => toFits(address))) &&
    (account === undefined || accountsOf(message).has(account));
}

/** `example.org` or `@example.org`, and not the null sender. */
function isDomain(text: string): boolean {
  return text !== '<>' && text !== '' && text.lastIndexOf('@') <= 0;
}

function sought(text: string): string {
  return text === '<>' ? '' : folded(text);
}

function bare(messageId: string): string {
  return messageId.trim().replace(/^<(.*)>$/, '$1');
}

export interface TracePlace {
  readonly since: TraceId;
  readonly before: TraceId;
}

/** A page of messages, the newest first. @param key  undefined: all of that time */
export async function tracePage(
  tx: Reader,
  { since, before }: TracePlace,
  key: number | undefined,
  limit: number,
): Promise<TraceRow[]> {
  const rows = await (key === undefined
    ? tx.all(PAGE, since, before, limit)
    : tx.all(PAGE_BY_KEY, key, since, before, limit));
  return rows.map(rowOf);
}

/** The last message that has its keys. */
export async function lastFound(tx: Reader): Promise<TraceId> {
  return Number((await getMeta(tx, 'trace.found')) ?? 0) as TraceId;
}

/** Writes keys for some more messages. @returns how many */
export async function addKeys(tx: Writer, messages: number): Promise<number> {
  const rows = (await tx.all(AFTER, await lastFound(tx), messages)).map(rowOf);
  const keys: (readonly [key: number, id: TraceId])[] = [];
  let done = 0;
  for (const row of rows) {
    for (const key of keysOf(row)) keys.push([key, row.id]);
    done++;
    if (keys.length >= KEYS_A_STEP) break;
  }
  if (done === 0) return 0;
  keys.sort(([a], [b]) => a - b);
  for (const [key, id] of keys) await tx.run(INSERT_KEY, key, id);
  await setMeta(tx, 'trace.found', `${rows[done - 1]!.id}`);
  return done;
}

/** Forgets some of the messages from before a time, with their keys and events. @returns how many rows */
export async function pruneMessages(tx: Writer, before: TraceId, limit: number): Promise<number> {
  let count = 0;
  for (const row of (await tx.all(OLD, before, limit)).map(rowOf)) {
    const keys = keysOf(row);
    for (const key of keys) await tx.run(DELETE_KEY, key, row.id);
    await tx.run(DELETE, row.id);
    count += keys.size;
    if (count >= KEYS_A_STEP) return count;
  }
  return count + (await tx.run(DELETE_EVENTS, before, limit));
}

/** The next account of whose mail the trace has changes; also of one that is gone. */
export async function changedAfter(tx: Reader, after: AccountId): Promise<AccountId | undefined> {
  return (await tx.get(ACCOUNT_AFTER, after))?.[0] as AccountId | undefined;
}

/** Forgets some of the changes of an account from before a time. @returns how many */
export async function pruneChanges(tx: Writer, account: AccountId, before: TraceId, limit: number): Promise<number> {
  return tx.run(DELETE_CHANGES, account, account, before, limit);
}

function rowOf([id, sender, messageId, detail]: Row): TraceRow {
  return {
    id: id as TraceId,
    at: traceTime(id),
    messageId: messageId === '' ? null : messageId,
    message: { sender, ...(JSON.parse(detail) as Omit<Traced, 'sender'>) },
  };
}
