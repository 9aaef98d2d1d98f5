/** What became of mail at other servers, for the trace: noted in the transaction that settles it. */
import { HERE } from '../delivery/types.ts';
import type { RecordOutcomes } from '../outbound/types.ts';
import type { Writer } from '../store/engine/engine.ts';
import type { QueueId, TraceId } from '../store/ids.ts';
import { recordEvent } from '../store/operations/trace.ts';
import type { OwnChange, QueueChange, QueueEntry } from '../store/queue.ts';

/** What a peer says may be long: its beginning says what it is about. */
const MOST_SAID = 500;

export const recordOutcomes: RecordOutcomes = async (tx, { id, trace }, outcomes) => {
  const [first] = outcomes;
  if (first === undefined) return;
  const peer = first.unasked === true ? '' : first.peer;
  const here = first.recipient.destination === HERE;
  const recipients = outcomes.map(({ recipient, kind, said, line }) => ({
    address: recipient.address,
    outcome: kind,
    said: line.slice(0, MOST_SAID),
    ...(peer !== '' && said.theirs !== true && { ours: true as const }),
  }));
  const where = { ...(peer !== '' && { peer }), ...(here && { destination: HERE }) };
  await recordEvent(tx, trace, 'attempt', { queue: id, ...where, recipients });
};

/** Somebody did something with mail that waits: one event for each message. */
export async function recordQueueChange(
  tx: Writer,
  entries: readonly Pick<QueueEntry, 'id' | 'trace' | 'address'>[],
  change: QueueChange | { readonly kind: OwnChange },
  actor: string,
): Promise<void> {
  const byMessage = Map.groupBy(entries, ({ id }) => id) as Map<QueueId, typeof entries>;
  for (const [queue, some] of byMessage) {
    const trace: TraceId = some[0]!.trace;
    const recipients = some.map(({ address }) => ({ address }));
    const detail = { queue, recipients, actor };
    const way = change.kind === 'reroute' ? { destination: change.destination } : {};
    await recordEvent(tx, trace, change.kind, { ...detail, ...way });
  }
}
