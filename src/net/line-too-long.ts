/** What is left of a line beyond its limit, which is thrown away as it comes. */
import { BadCommand } from '../errors.ts';

/** Bytes kept of either end: a command's tag is in the first, the announcement of a literal in the last. */
const KEPT = 80;

/** Both ends of what was swallowed, one character a byte. */
export interface Swallowed {
  readonly head: string;
  readonly tail: string;
}

/** A line longer than its limit: it has been swallowed whole, and the session may go on. */
export class LineTooLong extends BadCommand {
  readonly head: string;
  /** Without the line's end. */
  readonly tail: string;

  constructor(limit: number, { head, tail }: Swallowed) {
    super(`the line is longer than ${limit} bytes`);
    this.head = head;
    this.tail = tail.replace(/\r$/, '');
  }
}

/** @param before what was swallowed of the line already; null at its beginning */
export function swallow(before: Swallowed | null, bytes: Buffer): Swallowed {
  const end = bytes.toString('latin1', Math.max(0, bytes.length - KEPT));
  if (before === null) return { head: bytes.toString('latin1', 0, KEPT), tail: end };
  return { head: before.head, tail: (before.tail + end).slice(-KEPT) };
}
