/**
 * A mailbox read over POP3: its INBOX alone, without flags and dates, but with the ids that POP3 clients know its messages by. Nothing is
 * deleted there.
 */
import { Refused } from '../errors.ts';
import type { Endpoint, SignIn } from './connect.ts';
import { Pop3Client } from './pop3-client.ts';
import {
  type Fetched,
  type FetchedHeader,
  HEADER_BYTES,
  type Listing,
  type Source,
  type SourceFolder,
  type SourceFolders,
  type SourceMessage,
} from './source.ts';
import { isLater, Patience, SourceLost, SourceSaidNo } from './trouble.ts';

/** Attempts at one message before it is given up for this run. */
const ATTEMPTS = 3;
/** POP3 has one generation: a unique id is never given to another message (RFC 1939 7). */
const GENERATION = 'pop3';

export class Pop3Source implements Source {
  readonly id: string;
  readonly #endpoint: Endpoint;
  readonly #signIn: SignIn;
  readonly #patience: Patience;
  #client: Pop3Client | undefined;
  /** Message numbers of this session, by the id of a {@link SourceMessage}. */
  #numbers = new Map<string, number>();
  #messages: readonly SourceMessage[] = [];

  constructor(id: string, endpoint: Endpoint, signIn: SignIn, signal: AbortSignal) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#signIn = signIn;
    this.#patience = new Patience(endpoint.host, signal);
  }

  async folders(): Promise<SourceFolders> {
    return { folders: [{ name: 'INBOX', path: 'INBOX', role: 'inbox', subscribed: true }], notes: [] };
  }

  /** Begins a new session: what the last one saw is frozen (RFC 1939 8). */
  async list(): Promise<Listing> {
    await this.close();
    return { generation: GENERATION, messages: await this.#patiently(async () => this.#messages), complete: true };
  }

  async *headers(_folder: SourceFolder, messages: readonly SourceMessage[]): AsyncGenerator<FetchedHeader, void, void> {
    for (const message of messages) {
      const header = await this.#patiently(async (client) => {
        const number = this.#numbers.get(message.id);
        if (number === undefined) return undefined;
        try {
          return await client.header(number, HEADER_BYTES);
        } catch (error) {
          if (error instanceof SourceSaidNo) return undefined; // gone, or no TOP: not to be compared
          throw error;
        }
      });
      if (header !== undefined) yield { message, header };
    }
  }

  async *messages(_folder: SourceFolder, messages: readonly SourceMessage[]): AsyncGenerator<Fetched, void, void> {
    const remaining = new Map(messages.map((message) => [message.id, message]));
    for (let attempts = 0; remaining.size > 0; ) {
      const before = remaining.size;
      try {
        const client = await this.#connected();
        const asked = new Map<number, SourceMessage>();
        for (const [id, message] of remaining) {
          const number = this.#numbers.get(id);
          if (number !== undefined) asked.set(number, message);
          else if (remaining.delete(id)) yield { message, problem: 'it is gone from the source' };
        }
        for await (const { number, content } of client.messages([...asked.keys()])) {
          const message = asked.get(number)!;
          if (content instanceof SourceSaidNo) {
            if (isLater(content)) throw content;
            yield { message, problem: content.message };
          } else {
            let whole = false;
            yield { message, content: told(content, () => (whole = true)) };
            if (!whole) throw new SourceLost('the connection broke within a message');
          }
          remaining.delete(message.id);
          this.#patience.renew();
        }
      } catch (error) {
        await this.#failed(error);
      }
      attempts = remaining.size < before ? 0 : attempts + 1;
      // The one that was on its way each time when the connection broke.
      const [suspect] = remaining.values();
      if (suspect === undefined || attempts < ATTEMPTS) continue;
      const problem = 'the connection broke each time it was asked for';
      remaining.delete(suspect.id);
      this.#patience.gaveUp(new SourceLost(problem));
      yield { message: suspect, problem };
      attempts = 0;
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.quit();
  }

  cut(): void {
    this.#client?.close();
  }

  async #patiently<T>(operation: (client: Pop3Client) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await operation(await this.#connected());
        this.#patience.renew();
        return result;
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    await this.#patience.afterFailure(error);
  }

  async #connected(): Promise<Pop3Client> {
    if (this.#client !== undefined) return this.#client;
    const client = await Pop3Client.connect(this.#endpoint, this.#signIn);
    this.#client = client;
    await this.#look(client);
    return client;
  }

  /** What the session holds, in its order. */
  async #look(client: Pop3Client): Promise<void> {
    const ids = await client.uidl();
    const sizes = await client.list();
    this.#numbers = new Map();
    const messages: SourceMessage[] = [];
    for (const [number, uidl] of ids) {
      // RFC 1939 7 forbids one id for two messages, and servers did it all the same: both come.
      let id = uidl;
      for (let copy = 2; this.#numbers.has(id); copy += 1) id = `${uidl} (${copy})`;
      this.#numbers.set(id, number);
      messages.push({ id, uidl, sizeBytes: sizes.get(number) ?? 0, received: null, flags: [] });
    }
    if (messages.length < sizes.size)
      throw new Refused('source.unusable', `${this.#endpoint.host} gives unique ids to some of its messages only.`);
    this.#messages = messages;
  }
}

/** The same chunks; says when all of them were read. */
async function* told(chunks: AsyncIterable<Buffer>, onEnd: () => void): AsyncGenerator<Buffer, void, void> {
  yield* chunks;
  onEnd();
}
