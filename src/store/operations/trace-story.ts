/** Reading what became of messages: on their way out, and in mailboxes. */
import type { Reader } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { AccountId, TraceId } from '../ids.ts';
import type {
  TraceBy,
  TraceChange,
  TraceChangeDetail,
  TraceChangeKind,
  TraceEvent,
  TraceEventDetail,
  TraceEventKind,
} from '../trace-types.ts';
import { traceTime } from './trace.ts';

type ChangeRow = readonly [id: number, kind: string, via: string, device: string, emails: string, detail: string];

const EVENTS = sql<readonly [id: number, kind: string, detail: string]>(
  'SELECT event_id, kind, detail FROM trace_event WHERE trace_id = ? ORDER BY event_id LIMIT ?',
);
const CHANGES = sql<ChangeRow>(`
  SELECT change_id, kind, via, device, emails, detail FROM trace_change WHERE account_id = ? AND change_id > ? ORDER BY change_id LIMIT ?`);
const RETRIEVED = sql<readonly [emails: string]>(`
  SELECT emails FROM trace_change WHERE account_id = ? AND kind = 'retrieved' AND via = ? AND device = ?
  ORDER BY change_id DESC LIMIT ?`);

/** More than five days of attempts, with what administrators do. */
const MOST_EVENTS = 1_000;
/** What a device retrieved before is looked up in so many rows: rather noted twice than searched for long. */
const MOST_RETRIEVED = 200;

/** What became of a message on its way out, in the order of time. */
export async function traceEvents(tx: Reader, trace: TraceId): Promise<TraceEvent[]> {
  return (await tx.all(EVENTS, trace, MOST_EVENTS)).map(([id, kind, detail]) => ({
    at: traceTime(id),
    kind: kind as TraceEventKind,
    detail: JSON.parse(detail) as TraceEventDetail,
  }));
}

/** A page of what was done with an account's mail, in the order of time. `last`: where the next page begins; undefined after the last. */
export async function changesAfter(
  tx: Reader,
  account: AccountId,
  after: TraceId,
  limit: number,
): Promise<{ readonly changes: TraceChange[]; readonly last: TraceId | undefined }> {
  const rows = await tx.all(CHANGES, account, after, limit);
  return { changes: rows.map(changeOf), last: rows.length < limit ? undefined : (rows.at(-1)![0] as TraceId) };
}

/** What a device has retrieved of late, as texts of number-runs.ts. */
export async function retrievedBy(tx: Reader, account: AccountId, { via, device }: TraceBy): Promise<string[]> {
  return (await tx.all(RETRIEVED, account, via, device, MOST_RETRIEVED)).map(([emails]) => emails);
}

function changeOf([id, kind, via, device, emails, detail]: ChangeRow): TraceChange {
  return {
    at: traceTime(id),
    kind: kind as TraceChangeKind,
    by: { via: via as TraceBy['via'], device },
    emails,
    detail: JSON.parse(detail) as TraceChangeDetail,
  };
}
