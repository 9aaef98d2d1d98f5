/** What senders are told of recipients, and when they are not (RFC 3461 4.1, 5.2, 6). Pure. */
import type { EpochSeconds } from '../../store/ids.ts';
import type { PeerReply } from '../peer.ts';
import type { RecipientOutcome } from '../types.ts';

/** RFC 3464 2.3.3 */
export const ACTIONS = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;
export type Action = (typeof ACTIONS)[number];

/** One recipient in a report. */
export interface Told {
  readonly action: Action;
  readonly address: string;
  /** ORCPT as it was given, decoded; empty: it was not. */
  readonly original: string;
  /** What was said last. */
  readonly said: PeerReply;
  /** Who said it, as {@link RecipientOutcome.peer}. */
  readonly peer: string;
  /** It is tried until then. */
  readonly until?: EpochSeconds;
}

/** What the sender is to hear of outcomes. @param expires  when those that wait are given up */
export function toldOf(outcomes: readonly RecipientOutcome[], expires: EpochSeconds): Told[] {
  return outcomes.flatMap((outcome) => {
    const action = actionOf(outcome);
    if (action === undefined) return [];
    const { recipient, said, peer } = outcome;
    const { address, original } = recipient;
    return [{ action, address, original, said, peer, ...(action === 'delayed' && { until: expires }) }];
  });
}

function actionOf({ kind, recipient: { notify }, relaysNotices }: RecipientOutcome): Action | undefined {
  if (notify.includes('never')) return undefined;
  const asked = (of: 'failure' | 'delay') => notify.length === 0 || notify.includes(of);
  switch (kind) {
    case 'failed':
      return asked('failure') ? 'failed' : undefined;
    case 'delayed':
      return asked('delay') ? 'delayed' : undefined;
    case 'sent':
      // RFC 3461 5.2.1: a server that knows of reports makes this one itself; 5.2.2: of one that does not, that it has the message is all we know.
      return notify.includes('success') && !relaysNotices ? 'relayed' : undefined;
    case 'deferred':
    case 'held':
      return undefined;
  }
}
