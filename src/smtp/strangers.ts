/** Those who connect and are no friends: what is asked of them. `src/checks/limits` says how much is too much. */
import { setTimeout as wait } from 'node:timers/promises';
import { Refused } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import type { Milliseconds } from '../store/ids.ts';

/** Who receives them. */
export interface Reception {
  /** Null for a friend. */
  receive(address: string): Visitor | null;
}

/** One of their connections. */
export interface Visitor {
  /** How long it is to wait for the greeting. */
  readonly greetingDelay: Milliseconds;
  /** It connects. @throws Refused `limit.rate` */
  connects(): void;
  /** It spoke before it was greeted. @returns what it hears */
  speaksEarly(): Refused;
  /** A message begins. @throws Refused `limit.rate` */
  begins(sender: string): void;
  /** It names somebody who is here. @throws Refused `limit.rate` */
  names(recipient: string): void;
  /** Its message was taken for them. */
  brought(recipients: readonly string[]): void;
  /** It named somebody who is not: slows it down. @returns false when it is to be sent away */
  misses(signal: AbortSignal): Promise<boolean>;
}

/** Lets them wait before they are greeted. @returns the greeting for whom we don't want (RFC 5321 3.1), and null for the others */
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
