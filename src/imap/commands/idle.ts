/**
 * IDLE: tells of changes as they happen, until the client says DONE (RFC 9051 6.3.13, RFC 2177).
 *
 * One read of the connection waits the whole time; each change wakes the same loop that the line does, so nothing piles
 * up on either however long the client idles.
 */
import { BadCommand } from '../../errors.ts';
import { type Command, ok, signedIn } from '../command.ts';
import { ConnectionEnded } from '../command-input.ts';
import type { ImapSession } from '../session.ts';
import { reportChanges } from '../updates.ts';

/** The line that ends it is DONE; a longer one can't be. */
const LINE_BYTES = 256;

export const idle: Command = {
  name: 'IDLE',
  states: signedIn,
  syntax: () => {},

  async run(_, session) {
    session.write('+ idling\r\n');
    const answer = new Answer(session);
    while (!answer.here && !session.ended) {
      if (session.selected?.changed) await reportChanges(session, false);
      else await answer.orChange();
      await session.connection.drained(); // a slow client hears of several changes at once
    }
    if (session.ended) return ok('IDLE completed'); // BYE was told: the mailbox is gone
    const line = answer.line();
    if (line.toUpperCase() !== 'DONE') throw new BadCommand('IDLE ends with DONE');
    return ok('IDLE completed');
  },
};

/** The client's next line, waited for together with changes of the selected mailbox. */
class Answer {
  readonly #session: ImapSession;
  #line: Buffer | null | undefined;
  #error: unknown;
  #wake: (() => void) | null = null;

  constructor(session: ImapSession) {
    this.#session = session;
    session.connection.line(LINE_BYTES).then(
      (line) => this.#come(line, undefined),
      (error: unknown) => this.#come(null, error),
    );
  }

  /** The line came, or never will. */
  get here(): boolean {
    return this.#line !== undefined;
  }

  /** Resolves when the line is here or the mailbox has changed. */
  async orChange(): Promise<void> {
    const { selected } = this.#session;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (selected !== null) selected.onChange = resolve;
      if (this.here || selected?.changed) resolve();
    });
    this.#wake = null;
    if (selected !== null) selected.onChange = null;
  }

  /** @throws ConnectionEnded, BadCommand for a line that is too long */
  line(): string {
    if (this.#error !== undefined) throw this.#error;
    if (this.#line === null || this.#line === undefined) throw new ConnectionEnded();
    return this.#line.toString('latin1');
  }

  #come(line: Buffer | null, error: unknown): void {
    this.#line = line;
    this.#error = error;
    this.#wake?.();
  }
}
