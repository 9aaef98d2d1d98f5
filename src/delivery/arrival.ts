/** How a message came, as the trace keeps it. Pure. */
import type { Arrival, TracedRecipient } from '../store/trace-types.ts';
import type { InDelivery, Recipient } from './in-delivery.ts';
import type { Envelope } from './types.ts';

/** What checks found may be long: their beginning says what it is about. */
const MOST_FINDINGS = 1_000;

/** @param recipients  as far as they are known; `failure` says who gets nothing */
export function arrivalOf(
  envelope: Envelope,
  recipients: readonly Pick<Recipient, 'address' | 'failure'>[],
  findings: InDelivery['findings'] = '',
): Arrival {
  const { protocol, sender, id, remoteAddress, helo, tls, signedIn, refused = [] } = envelope;
  const taken = recipients.map(({ address, failure }): TracedRecipient => {
    return failure === null ? { address } : { address, refused: `${failure.reply} ${failure.status} ${failure.text}` };
  });
  return {
    how: protocol,
    sender,
    recipients: [...taken, ...refused],
    ...(id !== undefined && { id }),
    address: remoteAddress,
    helo,
    ...(tls && { tls }),
    ...(signedIn && { account: signedIn.id }),
    ...(findings !== '' && { checks: findings.replace(/\s+/g, ' ').trim().slice(0, MOST_FINDINGS) }),
  };
}
