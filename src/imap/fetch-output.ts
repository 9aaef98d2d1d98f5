/**
 * The untagged responses of a FETCH on their way out: text is gathered, so that many small items are one write, and large
 * buffers go out as they are, without a copy.
 */
import type { LineConnection } from '../net/connection-types.ts';
import { ConnectionEnded } from './command-input.ts';

/** Smaller pieces are cheaper copied into the text than written on their own. */
const COPY_BELOW = 2_048;
/** Text gathered before it is handed to the connection. */
const WRITE_ABOVE = 64 << 10;

export class FetchOutput {
  readonly #connection: LineConnection;
  #text = '';

  constructor(connection: LineConnection) {
    this.#connection = connection;
  }

  text(text: string): void {
    this.#text += text;
  }

  bytes(bytes: Buffer): void {
    if (bytes.length < COPY_BELOW) {
      this.#text += bytes.toString('latin1');
    } else {
      this.write();
      this.#connection.write(bytes);
    }
  }

  /** Hands over what was gathered. */
  write(): void {
    if (this.#text === '') return;
    this.#connection.write(this.#text);
    this.#text = '';
  }

  /** Hands everything over and waits until the buffers may be used again. @throws ConnectionEnded when nobody reads any more */
  async flushed(): Promise<void> {
    if (this.#connection.closed) throw new ConnectionEnded();
    this.write();
    await this.#connection.flushed();
  }

  /** Between two messages. A promise to await when the client is slow. @throws ConnectionEnded when nobody reads any more */
  room(): Promise<void> | undefined {
    if (this.#connection.closed) throw new ConnectionEnded();
    if (this.#text.length > WRITE_ABOVE) this.write();
    return this.#connection.drained();
  }
}
