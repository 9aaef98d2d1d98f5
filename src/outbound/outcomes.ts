/** What attempts come to, and what that means for the queue. Pure. */
import { Refused } from '../errors.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { QueuedRecipient, Settlement } from '../store/queue.ts';
import { NoSuchDestination } from './hosts.ts';
import { type PeerReply, type RecipientResult, Unreachable } from './peer.ts';
import type { Reached } from './reach.ts';
import { forNow, lineOf } from './reply.ts';
import { nextAttempt } from './retry.ts';
import type { OutcomeTold, RecipientOutcome } from './types.ts';

/** What a peer has said of a recipient. */
export function outcomeOf(
  recipient: QueuedRecipient,
  { address: _address, ...said }: RecipientResult,
  { peer, name, tls }: Reached,
): RecipientOutcome {
  const kind = said.reply < 300 ? 'sent' : said.reply >= 500 ? 'failed' : 'deferred';
  return { recipient, kind, said, peer: name, relaysNotices: peer.relaysNotices, tls };
}

/** The same for all, where no peer had the message. @param peer  which host it is about; empty: none */
export function sameForAll(
  recipients: readonly QueuedRecipient[],
  kind: RecipientOutcome['kind'],
  said: PeerReply,
  peer = '',
): RecipientOutcome[] {
  return recipients.map((recipient) => ({ recipient, kind, said, peer, relaysNotices: false }));
}

/** What remains of outcomes of which the sender can't be told now: nobody fails unheard, nor is a warning given that is not read. */
export function untold(outcomes: readonly RecipientOutcome[]): RecipientOutcome[] {
  return outcomes
    .filter(({ kind }) => kind !== 'delayed')
    .map((outcome) => (outcome.kind === 'failed' ? { ...outcome, kind: 'deferred' } : outcome));
}

/** What becomes of the recipient's row; empty: nothing. @param random  from 0 to 1 */
export function settlementOf(outcome: RecipientOutcome, now: EpochSeconds, random: number): Settlement[] {
  const { recipient, kind, said } = outcome;
  const { number, attempts } = recipient;
  switch (kind) {
    case 'sent':
    case 'failed':
      return [{ number, end: kind }];
    case 'held':
      return [{ number, held: true, reply: said.text }];
    case 'deferred':
      return [{ number, due: nextAttempt(now, attempts + 1, random), reply: remembered(outcome) }];
    case 'delayed':
      return [];
  }
}

/** For the trace. */
export function withLine(outcome: RecipientOutcome): OutcomeTold {
  return { ...outcome, line: outcome.unasked === true ? remembered(outcome) : lineOf(outcome.said) };
}

/** An outcome as the queue keeps it, for people and for {@link recalled}: `mx.example.net [192.0.2.1] said: 450 4.2.1 greylisted`. */
function remembered({ said, peer }: Pick<RecipientOutcome, 'said' | 'peer'>): string {
  const who = peer === '' ? '' : `${peer}${said.theirs === true ? ' said' : ''}: `;
  return `${who}${lineOf(said)}`;
}

const REMEMBERED = /^(?:(\S+ \[[^\]\s]+\])( said)?: )?([245]\d\d)(?: ([245]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/s;

/** What {@link remembered} wrote; undefined: it was something else. */
export function recalled(text: string): Pick<RecipientOutcome, 'said' | 'peer'> | undefined {
  const found = REMEMBERED.exec(text);
  if (found === null) return undefined;
  const [, peer = '', verb, reply, status = '', words = ''] = found;
  const said = { reply: Number(reply), status, text: words, ...(verb !== undefined && { theirs: true as const }) };
  return { peer, said: forNow(said) };
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
