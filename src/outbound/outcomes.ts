/** What attempts come to, and what that means for the queue. Pure. */
import { Refused } from '../errors.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { QueuedRecipient, Settlement } from '../store/queue.ts';
import { NoSuchDestination } from './hosts.ts';
import { type PeerReply, type RecipientResult, Unreachable } from './peer.ts';
import type { Reached } from './reach.ts';
import { nextAttempt } from './retry.ts';
import type { RecipientOutcome } from './types.ts';

/** What a peer has said of a recipient. */
export function outcomeOf(
  recipient: QueuedRecipient,
  { reply, status, text }: RecipientResult,
  { peer, name, tls }: Reached,
): RecipientOutcome {
  const kind = reply < 300 ? 'sent' : reply >= 500 ? 'failed' : 'deferred';
  return { recipient, kind, said: { reply, status, text }, peer: name, relaysNotices: peer.relaysNotices, tls };
}

/** The same for all, where no peer was asked. */
export function withoutPeer(
  recipients: readonly QueuedRecipient[],
  kind: RecipientOutcome['kind'],
  said: PeerReply,
): RecipientOutcome[] {
  return recipients.map((recipient) => ({ recipient, kind, said, peer: '', relaysNotices: false }));
}

/** What remains of outcomes of which the sender can't be told now: nobody fails unheard, nor is a warning given that is not read. */
export function untold(outcomes: readonly RecipientOutcome[]): RecipientOutcome[] {
  return outcomes
    .filter(({ kind }) => kind !== 'delayed')
    .map((outcome) => (outcome.kind === 'failed' ? { ...outcome, kind: 'deferred' } : outcome));
}

/** What becomes of the recipient's row; empty: nothing. @param random  from 0 to 1 */
export function settlementOf(
  { recipient, kind, said }: RecipientOutcome,
  now: EpochSeconds,
  random: number,
): Settlement[] {
  const { number, attempts } = recipient;
  switch (kind) {
    case 'sent':
    case 'failed':
      return [{ number, end: kind }];
    case 'held':
      return [{ number, held: true, reply: said.text }];
    case 'deferred':
      return [{ number, due: nextAttempt(now, attempts + 1, random), reply: lineOf(said) }];
    case 'delayed':
      return [];
  }
}

/** In one line: `450 4.2.1 greylisted`. */
function lineOf({ reply, status, text }: PeerReply): string {
  return [reply, status, text].filter((each) => each !== '').join(' ');
}

/** What an error that is nobody's fault here says; undefined: it is ours. */
export function saidOf(error: unknown): PeerReply | undefined {
  if (error instanceof Unreachable) return error.said;
  if (error instanceof NoSuchDestination) return { reply: error.reply, status: error.status, text: error.message };
  if (error instanceof Refused && error.code === 'dns.unavailable')
    return { reply: 451, status: '4.4.3', text: error.message };
  return undefined;
}

/** For the log: how many came to what, and what was said, without the names of people. */
export function summaryOf(outcomes: readonly RecipientOutcome[]): Readonly<Record<string, string | number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  const told = outcomes.find(({ kind }) => kind !== 'sent') ?? outcomes[0];
  if (told === undefined) return counts;
  const said = lineOf(told.said).replace(/[^\s<>"'@]+@/g, '...@');
  return { ...counts, ...(told.peer !== '' && { peer: told.peer }), said };
}
