/**
 * Finding messages of the trace, and ending them. Housekeeping writes their keys (store/trace-keys.ts) into a table, some time after the messages: a
 * message touches no page of it when it comes, and keys of many are written in their order. What has none there yet is looked through one by one.
 *
 * Invariant: a message up to the mark `trace.found` has all its keys, until it is pruned, and its keys with it.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, TraceId } from '../ids.ts';
import { unpacked } from '../trace-keys.ts';
import type { Traced, TraceRow } from '../trace-types.ts';
import { getMeta, setMeta } from './meta.ts';
import { traceTime } from './trace.ts';

/** Rows of one statement: each costs half as much then. */
const KEYS_AT_ONCE = 40;

type KeysRow = readonly [id: number, keys: Uint8Array];
type Row = readonly [id: number, sender: string, messageId: string, detail: string];

const COLUMNS = 't.trace_id, t.sender, t.message_id, t.detail';
const PAGE = sql<Row>(
  `SELECT ${COLUMNS} FROM trace t WHERE t.trace_id >= ? AND t.trace_id < ? ORDER BY t.trace_id DESC LIMIT ?`,
);
const PAGE_BY_KEY = sql<Row>(`
  SELECT ${COLUMNS} FROM trace_key k JOIN trace t ON t.trace_id = k.trace_id
  WHERE k.key = ? AND k.trace_id >= ? AND k.trace_id < ? ORDER BY k.trace_id DESC LIMIT ?`);
const AFTER = sql<KeysRow>('SELECT trace_id, keys FROM trace WHERE trace_id > ? ORDER BY trace_id LIMIT ?');
const OLD = sql<KeysRow>('SELECT trace_id, keys FROM trace WHERE trace_id < ? ORDER BY trace_id LIMIT ?');
const INSERT_KEY = sql('INSERT INTO trace_key (key, trace_id) VALUES (?, ?) ON CONFLICT (key, trace_id) DO NOTHING');
const INSERT_MANY = sql(`
  INSERT INTO trace_key (key, trace_id) VALUES ${Array.from({ length: KEYS_AT_ONCE }, () => '(?, ?)').join(', ')} ON CONFLICT (key, trace_id) DO NOTHING`);
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

/**
 * Keys written in one transaction, or a little more: a message may have a thousand recipients. They fall on any page of their table, and a page
 * is written once for all of a transaction: some milliseconds for these, as many again for a quarter of them.
 */
const KEYS_A_STEP = 4_000;
/** Each is looked for, and taken out by itself. */
const KEYS_DELETED_A_STEP = 1_000;

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
  const keys: (readonly [key: number, id: number])[] = [];
  let [done, last] = [0, 0];
  for (const [id, packed] of await tx.all(AFTER, await lastFound(tx), messages)) {
    for (const key of unpacked(packed)) keys.push([key, id]);
    last = id;
    done++;
    if (keys.length >= KEYS_A_STEP) break;
  }
  if (done === 0) return 0;
  keys.sort(([a], [b]) => a - b);
  let at = 0;
  for (; at + KEYS_AT_ONCE <= keys.length; at += KEYS_AT_ONCE)
    await tx.run(INSERT_MANY, ...keys.slice(at, at + KEYS_AT_ONCE).flat());
  for (const [key, id] of keys.slice(at)) await tx.run(INSERT_KEY, key, id);
  await setMeta(tx, 'trace.found', `${last}`);
  return done;
}

/** Forgets some of the messages from before a time, with their keys and events. @returns how many rows */
export async function pruneMessages(tx: Writer, before: TraceId, limit: number): Promise<number> {
  let count = 0;
  for (const [id, packed] of await tx.all(OLD, before, limit)) {
    const keys = unpacked(packed);
    for (const key of keys) await tx.run(DELETE_KEY, key, id);
    await tx.run(DELETE, id);
    count += keys.length;
    if (count >= KEYS_DELETED_A_STEP) return count;
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
  const message: Traced = { sender, ...(JSON.parse(detail) as Omit<Traced, 'sender'>) };
  return {
    id: id as TraceId,
    at: message.at ?? traceTime(id),
    messageId: messageId === '' ? null : messageId,
    message,
  };
}
