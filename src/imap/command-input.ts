/**
 * Reads commands off a connection: lines and the literals within them.
 *
 * Invariant: a literal that the client sends without waiting is always read, whatever becomes of its command: else its bytes
 * would be taken for commands. `announced` is the one that has not been read yet; {@link CommandInput.skipRest} gets past it.
 */
import { BadCommand } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import { LineTooLong } from '../net/line-too-long.ts';
import { announcedLiteral } from './syntax/literal.ts';
import type { Literal } from './syntax/types.ts';

/** The connection ended in the middle of something: nobody is left to be told. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

/** A command too large for us (RFC 9051 4.3: BAD with TOOBIG). */
export class CommandTooLarge extends BadCommand {}

/** Bytes of unwanted literals that are read and thrown away; beyond it the connection ends. */
const SKIP_MOST = 128 << 20;
const CHUNK = 64 << 10;

export class CommandInput {
  readonly connection: LineConnection;
  /** The literal at the end of the last line, while it is not read. */
  announced: Literal | null = null;

  constructor(connection: LineConnection) {
    this.connection = connection;
  }

  /** The next line, one character a byte, without its CRLF; null at the end of the connection. @throws BadCommand when it is too long */
  async line(limit: number): Promise<string | null> {
    try {
      const here = this.connection.lineNow(limit);
      const line = here === undefined ? await this.connection.line(limit) : here;
      if (line === null) return null;
      const text = line.toString('latin1');
      this.announced = announcedLiteral(text);
      return text;
    } catch (error) {
      if (error instanceof LineTooLong) this.announced = announcedLiteral(error.tail);
      throw error;
    }
  }

  /** As {@link line}, within a command. @throws ConnectionEnded */
  async nextLine(limit: number): Promise<string> {
    const line = await this.line(limit);
    if (line === null) throw new ConnectionEnded();
    return line;
  }

  /**
   * The whole of a command that begins with `first`: its literals stand in it as they were sent, announcement and CRLF before
   * them. Ends before a literal that `leaves` says is not ours to read.
   *
   * @param limit bytes of the whole
   * @throws CommandTooLarge before the client was asked for what is too much
   */
  async whole(first: string, limit: number, leaves?: (text: string) => boolean): Promise<string> {
    let text = first;
    while (this.announced !== null && !leaves?.(text)) {
      const { size } = this.announced;
      if (text.length + size > limit) throw new CommandTooLarge('the command is too large');
      const literal: Buffer[] = [];
      for await (const chunk of this.literal()) literal.push(chunk);
      const rest = await this.nextLine(limit);
      if (text.length + size + rest.length > limit) throw new CommandTooLarge('the command is too large');
      text = `${text}\r\n${Buffer.concat(literal).toString('latin1')}${rest}`;
    }
    return text;
  }

  /** The bytes of the announced literal, after the go-ahead that a synchronizing one waits for. @throws ConnectionEnded */
  async *literal(): AsyncGenerator<Buffer, void, undefined> {
    const literal = this.announced;
    if (literal === null) return;
    if (literal.synchronizing) this.connection.write('+ go ahead\r\n');
    yield* this.#bytes(literal);
  }

  /**
   * Reads past what is left of a command that was given up: literals that come without waiting and the lines between them.
   * A synchronizing literal was never asked for and does not come.
   *
   * @returns false when there is more than we care to read: the connection should end
   */
  async skipRest(limit: number): Promise<boolean> {
    let skipped = 0;
    while (this.announced !== null && !this.announced.synchronizing) {
      skipped += this.announced.size;
      if (skipped > SKIP_MOST) return false;
      for (let left = this.announced.size; left > 0; ) left -= (await this.#chunk(left)).length;
      await this.#skipLine(limit);
    }
    this.announced = null;
    return true;
  }

  /** @param limit what is beyond it is swallowed by the connection */
  async #skipLine(limit: number): Promise<void> {
    try {
      await this.nextLine(limit);
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw error;
    }
  }

  async *#bytes(literal: Literal): AsyncGenerator<Buffer, void, undefined> {
    let left = literal.size;
    this.announced = left === 0 ? null : { ...literal, size: left, synchronizing: false };
    while (left > 0) {
      const chunk = await this.#chunk(left);
      left -= chunk.length;
      // What is still to come comes without waiting now, should the reader give up here.
      this.announced = left === 0 ? null : { ...literal, size: left, synchronizing: false };
      yield chunk;
    }
  }

  async #chunk(most: number): Promise<Buffer> {
    const chunk = await this.connection.chunk(Math.min(most, CHUNK));
    if (chunk === null) throw new ConnectionEnded();
    return chunk;
  }
}
