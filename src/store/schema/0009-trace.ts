/** The ninth schema: what became of every message. The table that the first one had for it was never written to. */
export const TRACE_SCHEMA: readonly string[] = [
  'DROP TABLE trace',
  // A message that came, or was refused, and what became of it at once: written with it, in one row at the end of the table. trace_id: milliseconds since
  // 1970 times 1,024, and more where several came within one: so they stand in order of time, and no index says when. detail: JSON
  // (store/trace-types.ts). keys: 6 bytes each.
  `CREATE TABLE trace (
    trace_id INTEGER NOT NULL PRIMARY KEY,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    keys BLOB NOT NULL,
    detail TEXT NOT NULL
  )`,
  // What they are found by: their keys (store/trace-keys.ts). Housekeeping writes it, so that taking a message in touches no page but the last one.
  `CREATE TABLE trace_key (
    key INTEGER NOT NULL,
    trace_id INTEGER NOT NULL,
    PRIMARY KEY (key, trace_id)
  ) WITHOUT ROWID`,
  // What became of it on its way out. event_id: as trace_id.
  `CREATE TABLE trace_event (
    trace_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (trace_id, event_id)
  ) WITHOUT ROWID`,
  // What was done with mail of an account, one row however many messages: emails has their email ids in short (store/number-runs.ts).
  `CREATE TABLE trace_change (
    account_id INTEGER NOT NULL,
    change_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    via TEXT NOT NULL,
    device TEXT NOT NULL,
    emails TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (account_id, change_id)
  ) WITHOUT ROWID`,
  // 0: it came before there was a trace.
  'ALTER TABLE queue_message ADD COLUMN trace_id INTEGER NOT NULL DEFAULT 0',
];
