/** What the trace says of a message that was delivered: who has it, who could not have it, where else it goes. Pure. */
import { Refused } from '../../errors.ts';
import type { EmailId, QueueId } from '../ids.ts';
import type { Arrival, Traced, TracedCopy, TracedQueued } from '../trace-types.ts';
import type { DeliveryTarget, Filed, Outbound, SentTarget, StagedMessage } from '../types.ts';
import { factsOf, type Tracing } from './trace.ts';

interface Deliveries {
  readonly targets: readonly DeliveryTarget[];
  readonly sent: SentTarget | undefined;
  readonly outbound: readonly Outbound[];
}

interface Came {
  /** In the order of `targets`. */
  readonly outcomes: Filed['outcomes'];
  /** In the order of `outbound`. */
  readonly queued: readonly QueueId[];
  /** The sender's copy; null: none was filed. */
  readonly copy: EmailId | null;
}

export function tracedMessage(
  staged: StagedMessage,
  { targets, sent, outbound }: Deliveries,
  { arrival, subjects }: Pick<Tracing, 'subjects'> & { readonly arrival: Arrival },
  { outcomes, queued, copy }: Came,
): Traced {
  const filed: TracedCopy[] = [];
  const unfiled: NonNullable<Traced['unfiled']>[number][] = [];
  const waiting: TracedQueued[] = [];
  for (const [at, outcome] of outcomes.entries()) {
    if ('waitsAs' in outcome) waiting.push(tracedQueued(outcome.waitsAs, targets[at]!.waits!));
    else if (outcome instanceof Refused) unfiled.push({ account: targets[at]!.account, text: outcome.message });
    else filed.push({ account: outcome.account, mailbox: outcome.mailbox, email: outcome.email });
  }
  const leaving = [...queued.map((queue, at) => tracedQueued(queue, outbound[at]!)), ...waiting];
  const isSomewhere = filed.length + leaving.length > 0;
  return {
    ...arrival,
    ...factsOf(staged, arrival.sender, { subjects }),
    ...(filed.length > 0 && { filed }),
    ...(unfiled.length > 0 && { unfiled }),
    ...(sent !== undefined && isSomewhere && { sent: { account: sent.account, email: copy } }),
    ...(leaving.length > 0 && { queued: leaving }),
  };
}

function tracedQueued(queue: QueueId, { account, recipients, from, shared, options }: Outbound): TracedQueued {
  return {
    queue,
    account,
    to: recipients.map(({ address }) => address),
    ...(from !== undefined && { from }),
    ...(shared && { shared }),
    ...(options?.forRoom !== undefined && { forRoom: true }),
  };
}
