/** What senders are told of recipients, and when they are not (RFC 3461 4.1, 5.2, 6). Pure. */
import type { InDelivery, Recipient } from '../../delivery/in-delivery.ts';
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
  /** Who said it, or of whom it is said, as {@link RecipientOutcome.peer}; empty: nobody who may be named. */
  readonly peer: string;
  /** This server says it itself. */
  readonly ours: boolean;
  /** As {@link RecipientOutcome.unasked}. */
  readonly unasked?: true;
  /** It is tried until then. */
  readonly until?: EpochSeconds;
  /** The address stands for several, and it is about one of them: others have the message. */
  readonly ofSeveral?: true;
}

/** What is known of the message. */
interface About {
  /** When those that wait are given up. */
  readonly expires: EpochSeconds;
  /** The address of ours from which it went on: where it went on to is nobody's business but the owner's (RFC 3461 5.2.7.3). */
  readonly via?: string | undefined;
  /** It waits for room for one of those behind an address. */
  readonly ofSeveral?: boolean;
}

/** What the sender is to hear of outcomes. */
export function toldOf(outcomes: readonly RecipientOutcome[], { expires, via, ofSeveral }: About): Told[] {
  return outcomes.flatMap((outcome) => {
    const action = actionOf(outcome);
    if (action === undefined) return [];
    const { recipient, said, peer, unasked } = outcome;
    const ours = said.theirs !== true;
    const { address, original } = recipient;
    const shown = via === undefined ? { address, said, peer } : { address: via, said: discreet(said), peer: '' };
    const more = {
      ...(unasked && { unasked }),
      ...(action === 'delayed' && { until: expires }),
      ...(ofSeveral && { ofSeveral }),
    };
    return [{ action, original, ours, ...shown, ...more }];
  });
}

/** What was said, without its words, which name whom it was said of. That an address is wrong (RFC 3463 3.2) is not true of ours. */
function discreet({ reply, status }: PeerReply): PeerReply {
  return { reply, status: /^[245]\.1\./.test(status) ? '' : status, text: '' };
}

/** What the sender asked to hear of those whose mail is about to be filed here, or goes on from here. */
export function filedOf({ envelope, recipients }: InDelivery): Told[] {
  return recipients.flatMap((recipient, at) => {
    const { address, notify = [], original = '' } = envelope.recipients[at]!;
    const action = notify.includes('success') ? filedAs(recipient) : undefined;
    return action === undefined ? [] : [{ action, address, original, said: FILED, peer: '', ours: true }];
  });
}

const FILED: PeerReply = { reply: 250, status: '2.1.5', text: '' };

/** RFC 3461 5.2.4, 5.2.7; undefined: who takes it next tells of it, or nobody has it. */
function filedAs({ accounts, leaves, failure }: Recipient): Action | undefined {
  if (failure !== null || leaves.some(({ notify }) => notify?.includes('success'))) return undefined;
  if (accounts.length > 0) return 'delivered';
  return leaves.length > 0 ? 'expanded' : undefined;
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
