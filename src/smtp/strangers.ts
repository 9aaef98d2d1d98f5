/** What a session asks about a client that is not trusted, and when. `src/checks/limits` says how much is too much. */
import { setTimeout as wait } from 'node:timers/promises';
import { Refused } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import type { Milliseconds } from '../store/ids.ts';

/** Receives the clients of a listener. */
export interface Reception {
  /** Null: it is trusted. */
  receive(address: string): Visitor | null;
}

/** One connection of a stranger. */
export interface Visitor {
  /** How long it waits for the greeting: programs that send in bulk do not. */
  readonly greetingDelay: Milliseconds;
  /** It connects. @throws Refused `limit.rate` */
  connects(): void;
  /** It spoke before it was greeted (RFC 5321 4.3.1 has it wait). @returns what it hears */
  speaksEarly(): Refused;
  /** A message begins. @throws Refused `limit.rate` */
  begins(sender: string): void;
  /** It names somebody who takes the message. @throws Refused `limit.rate` */
  names(recipient: string): void;
  /** Its message was taken for these recipients. */
  brought(recipients: readonly string[]): void;
  /** It named somebody who is not here: slows it down. @returns false when it is to be sent away */
  misses(signal: AbortSignal): Promise<boolean>;
}

/** Lets a stranger wait before it is greeted. @returns the reply in place of a greeting (RFC 5321 3.1) for one that is turned away; null for the others */
export async function turnedAway(
  visitor: Visitor,
  connection: LineConnection,
  hostname: string,
): Promise<string | null> {
  try {
    visitor.connects();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return `421 4.7.1 ${hostname} ${error.message}\r\n`; // RFC 5321 3.8: it may come again
  }
  if (visitor.greetingDelay === 0) return null;
  try {
    await wait(visitor.greetingDelay, undefined, { signal: connection.signal, ref: false });
  } catch {
    return ''; // it has gone
  }
  return connection.pending ? `554 5.5.1 ${hostname} ${visitor.speaksEarly().message}\r\n` : null;
}
