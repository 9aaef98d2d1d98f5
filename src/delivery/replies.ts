/** How a refusal is told to a sender: SMTP reply and enhanced status code (RFC 5321 4.2.3, RFC 3463, RFC 4954 6). */
import { type RefusalCode, Refused } from '../errors.ts';
import type { Failure } from './in-delivery.ts';

export type ReplyCode = readonly [reply: number, status: string];

const TRY_LATER: ReplyCode = [451, '4.3.0'];

const byRefusal: Partial<Record<RefusalCode, ReplyCode>> = {
  'auth.failed': [535, '5.7.8'],
  'auth.not-allowed': [525, '5.7.13'], // RFC 5248 2.4: until the administrator changes it; on 535 programs ask for the password again
  'auth.unavailable': [454, '4.7.0'],
  'auth.tls-required': [538, '5.7.11'],
  'auth.mechanism': [504, '5.5.4'],
  'recipient.unknown': [550, '5.1.1'],
  'recipient.closed': [550, '5.2.1'],
  'recipient.invalid': [550, '5.1.2'], // RFC 3463 3.2: there is no such system
  'group.posting': [550, '5.7.2'], // RFC 3463 3.8: mailing list expansion prohibited
  'recipient.unavailable': [451, '4.4.3'], // RFC 3463 3.5: directory server failure
  'relay.forbidden': [550, '5.7.1'],
  'sender.forbidden': [550, '5.7.1'], // RFC 6409 6.1
  'sending.limit': [450, '4.7.1'],
  'sender.unproven': [550, '5.7.26'], // RFC 7372 3.3
  'sender.not-permitted': [550, '5.7.23'], // RFC 7372 3.2
  'limit.rate': [451, '4.7.1'],
  'message.too-large': [552, '5.3.4'],
  'check.failed': [451, '4.7.0'],
  'loop.detected': [554, '5.4.6'],
  'dns.unavailable': [451, '4.4.3'],
  // Temporary: the person may make room before the sender gives up.
  'quota.exceeded': [452, '4.2.2'],
  'limit.reached': [452, '4.5.3'],
  'store.full': [452, '4.3.1'],
  'store.failed': TRY_LATER,
};

/** What a refusal means to the sender; one that has no place in delivery is a temporary failure: no mail is lost by it. */
export function replyToRefusal(code: RefusalCode): ReplyCode {
  return byRefusal[code] ?? TRY_LATER;
}

/** For what the message is, not for whom it is to. */
const FOR_GOOD: ReadonlySet<RefusalCode> = new Set(['loop.detected', 'sender.unproven', 'sender.not-permitted']);

/** What a refusal is to a recipient. @throws what is none */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Refused)) throw error;
  const [reply, status] = replyToRefusal(error.code);
  const failure: Failure = { ok: false, reply, status, text: error.message };
  return FOR_GOOD.has(error.code) ? { ...failure, forGood: true } : failure;
}
