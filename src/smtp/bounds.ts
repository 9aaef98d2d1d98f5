/**
 * What is taken of somebody's data, and for how long somebody may stay: who goes on and on, who sends a byte now and then, and who brings nothing is sent
 * away. The time between two signs of life is the connection's to look after (`timeouts.smtp`).
 */
import type { Milliseconds } from '../store/ids.ts';
import { type Reply, reply } from './reply.ts';
import type { SmtpSession } from './session.ts';

/** What can't be taken is read to its end, so that its sender hears why; but only up to so many times what would be allowed. */
const SWALLOWED_TIMES = 10;
const TOO_LARGE = reply(421, '4.3.4', 'The message is far too large');
const TOO_SLOW = reply(421, '4.4.2', 'The message comes too slowly; goodbye');
const TOO_LONG = reply(421, '4.4.2', 'No message was brought for too long; goodbye');

/** Data on its way in. */
export interface Coming {
  /** Bytes of it so far. */
  readonly received: number;
  /** When it began to come; as `performance.now()`. */
  readonly begun: Milliseconds;
}

/** Ends the connection when its data is too much, or takes too long. @returns true when it did */
export function isEnough(session: SmtpSession, { received, begun }: Coming): boolean {
  const { messageBytes, patience, leastBytesASecond } = session.context.limits;
  const isTooLarge = received > SWALLOWED_TIMES * messageBytes;
  const isTooSlow = performance.now() - begun > patience + (received / leastBytesASecond) * 1_000;
  if (!isTooLarge && !isTooSlow) return false;
  session.connection.write(isTooLarge ? TOO_LARGE : TOO_SLOW);
  session.end();
  return true;
}

/** What a stranger hears who stays without bringing anything, as by a NOOP now and then; undefined: may stay. @param since  of the last message, or of the beginning */
export function overstays({ visitor, context }: SmtpSession, since: Milliseconds): Reply | undefined {
  return visitor !== null && performance.now() - since > context.limits.visit ? TOO_LONG : undefined;
}
