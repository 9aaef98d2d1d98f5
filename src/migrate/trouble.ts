/** What can go wrong with a source, sorted: what a new connection may mend, what a wait may mend, and what costs one message or the account. */
import { setTimeout as delay } from 'node:timers/promises';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';

/** The connection broke, fell silent, or said what no server says: connect again. */
export class SourceLost extends Error {
  override readonly name = 'SourceLost';
}

/** The source understood and said no. */
export class SourceSaidNo extends Error {
  override readonly name = 'SourceSaidNo';
  /** IMAP's or POP3's response code, in capitals: `LIMIT`, `SYS/TEMP`. */
  readonly code: string | undefined;

  constructor(text: string, code: string | undefined) {
    super(text);
    this.code = code;
  }
}

/** RFC 5530 3, RFC 3206 4, RFC 2449 8.1: come again later. */
const LATER = new Set(['UNAVAILABLE', 'INUSE', 'LIMIT', 'THROTTLED', 'SYS/TEMP', 'IN-USE', 'LOGIN-DELAY']);

export function isLater(error: unknown): boolean {
  return error instanceof SourceSaidNo && error.code !== undefined && LATER.has(error.code);
}

/** Attempts in a row that bring nothing, before the source is given up for this run. */
const MOST_ATTEMPTS = 8;
/** Messages in a row, each of which seems to break the connection, before it is taken for the source's own trouble. */
const MOST_GIVEN_UP = 20;
const FIRST_PAUSE: Milliseconds = 100;
/** For a source that asks to be left alone for a while. */
const FIRST_REST: Milliseconds = 2_000;
const LONGEST_PAUSE: Milliseconds = 60_000;

/** Counts failures in a row and waits longer after each; what comes through forgives them. */
export class Patience {
  readonly #host: string;
  readonly #signal: AbortSignal;
  #failures = 0;
  #givenUp = 0;
  #connected = false;

  constructor(host: string, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
  }

  /** The source is well: what fails now is a message. Those that are given up are counted ({@link gaveUp}). */
  isWell(): void {
    this.#failures = 0;
  }

  /** Something came through. */
  renew(): void {
    this.#failures = 0;
    this.#givenUp = 0;
    this.#connected = true;
  }

  /** One message was given up, since it seems to be what breaks the connection. @throws Refused when that was so for many */
  gaveUp(error: unknown): void {
    this.#failures = 0;
    this.#givenUp += 1;
    if (this.#givenUp >= MOST_GIVEN_UP) throw this.#unreachable(error);
  }

  /** Waits before the next attempt. @throws the error when it is not worth one; Refused `source.unreachable` when there were enough */
  async afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof SourceLost) && !isLater(error)) throw error;
    this.#failures += 1;
    const enough = this.#connected || isLater(error) ? MOST_ATTEMPTS : 1; // a wrong name is told at once
    if (this.#failures >= enough) throw this.#unreachable(error);
    const first = isLater(error) ? FIRST_REST : FIRST_PAUSE;
    await delay(Math.min(first * 2 ** (this.#failures - 1), LONGEST_PAUSE), undefined, { signal: this.#signal });
  }

  #unreachable(error: unknown): Refused {
    const why = (error as Error).message;
    return new Refused(
      'source.unreachable',
      this.#connected
        ? `${this.#host} failed too often (${why}). What came is kept: run this again later.`
        : `${this.#host} can't be reached: ${why}`,
      { cause: error },
    );
  }
}
