/**
 * A POP3 client that reads a maildrop and changes nothing in it (RFC 1939): STLS, USER or SASL PLAIN, UIDL, LIST, TOP, RETR. Lines are bounded,
 * messages stream, silence ends the connection. RETR is pipelined where the server says that it may be (RFC 2449 6.6).
 */
import type { Socket } from 'node:net';
import { Refused } from '../errors.ts';
import { DotReader } from '../smtp/syntax/dots.ts';
import { CONNECT_WITHIN, type Endpoint, open, SILENCE, type SignIn, upgrade } from './connect.ts';
import { SourceLost, SourceSaidNo } from './trouble.ts';

/** RFC 2449 4: 512 bytes; servers are known to say more. */
const MOST_LINE = 4_096;
/** Commands on their way before the first is answered. */
const WINDOW = 16;

export class Pop3Client {
  readonly #host: string;
  #socket: Socket;
  #chunks: AsyncIterator<Buffer, void>;
  #buffer: Buffer = Buffer.alloc(0);
  #lost: Error | undefined;
  #capabilities: ReadonlySet<string> = new Set();

  /** Connects, begins TLS as the endpoint says, and signs in. @throws SourceLost, SourceSaidNo, Refused `source.*` */
  static async connect(endpoint: Endpoint, signIn: SignIn): Promise<Pop3Client> {
    const client = new Pop3Client(endpoint.host, await opened(endpoint));
    try {
      await client.#greet(endpoint);
      await client.#signIn(signIn);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(host: string, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
    this.#chunks = this.#read(socket);
  }

  /** Size by message number. */
  async list(): Promise<Map<number, number>> {
    const sizes = new Map<number, number>();
    await this.#reply('LIST');
    for await (const line of this.#lines()) {
      const [, number, size] = /^(\d+) +(\d+)/.exec(line) ?? [];
      if (number !== undefined) sizes.set(Number(number), Number(size));
    }
    return sizes;
  }

  /** Unique id by message number (RFC 1939 7). @throws Refused `source.unusable` when the server has none */
  async uidl(): Promise<Map<number, string>> {
    const ids = new Map<number, string>();
    try {
      await this.#reply('UIDL');
    } catch (error) {
      if (!(error instanceof SourceSaidNo)) throw error;
      throw new Refused(
        'source.unusable',
        `${this.#host} gives no unique ids (UIDL), without which mail would come twice. Use its IMAP service, or its files.`,
      );
    }
    for await (const line of this.#lines()) {
      // The id reaches to the end of the line: some servers put spaces into it.
      const [, number, id] = /^(\d+) +(\S.*)$/.exec(line) ?? [];
      if (number !== undefined) ids.set(Number(number), id!.trimEnd());
    }
    return ids;
  }

  /** The header of a message. @throws SourceSaidNo when there is no such message, or no TOP */
  async header(number: number, mostBytes: number): Promise<Buffer> {
    await this.#reply(`TOP ${number} 0`);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.#content()) {
      if (length < mostBytes) chunks.push(chunk);
      length += chunk.length;
    }
    return Buffer.concat(chunks).subarray(0, mostBytes);
  }

  /** Messages in the order asked for; the content of each must be read before the next, or is skipped. */
  async *messages(
    numbers: readonly number[],
  ): AsyncGenerator<{ readonly number: number; readonly content: AsyncIterable<Buffer> | SourceSaidNo }, void, void> {
    const window = this.#capabilities.has('PIPELINING') ? WINDOW : 1;
    let asked = 0;
    for (const [index, number] of numbers.entries()) {
      for (; asked < Math.min(index + window, numbers.length); asked += 1) this.#send(`RETR ${numbers[asked]}`);
      try {
        await this.#reply();
      } catch (error) {
        if (!(error instanceof SourceSaidNo)) throw error;
        yield { number, content: error };
        continue;
      }
      const content = this.#content();
      yield { number, content };
      for await (const _ of content); // what the caller left
    }
  }

  /** QUIT; nothing was deleted, so that it matters little how it ends. */
  async quit(): Promise<void> {
    try {
      await this.#reply('QUIT');
    } catch (error) {
      if (!(error instanceof SourceLost) && !(error instanceof SourceSaidNo)) throw error;
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  // ---- beginning

  async #greet(endpoint: Endpoint): Promise<void> {
    await this.#reply();
    this.#capabilities = await this.#capa();
    if (endpoint.security !== 'starttls') return;
    try {
      await this.#reply('STLS');
    } catch (error) {
      if (!(error instanceof SourceSaidNo)) throw error;
      throw new Refused(
        'source.insecure',
        `${endpoint.host} offers no TLS on port ${endpoint.port}. Use pop3s://, or --insecure in a network that you trust.`,
      );
    }
    // What came before TLS is nobody's word (RFC 2595 4, and CVE-2011-0411 for those who forgot).
    if (this.#buffer.length > 0) throw new SourceLost('data came between STLS and TLS');
    const plain = this.#socket;
    this.#socket = await secured(plain, endpoint);
    this.#chunks = this.#read(this.#socket);
    this.#capabilities = await this.#capa();
  }

  /** RFC 2449 5. A server without CAPA has no capabilities. */
  async #capa(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    try {
      await this.#reply('CAPA');
    } catch (error) {
      if (!(error instanceof SourceSaidNo)) throw error;
      return found;
    }
    for await (const line of this.#lines()) {
      const [name = '', ...values] = line.toUpperCase().split(/ +/);
      found.add(name);
      for (const value of values) found.add(`${name}=${value}`);
    }
    return found;
  }

  async #signIn({ user, password, authorize }: SignIn): Promise<void> {
    try {
      if (authorize !== undefined || this.#capabilities.has('SASL=PLAIN')) {
        // RFC 5034 4: the response after the challenge, so that it may be of any length.
        this.#send('AUTH PLAIN');
        const challenge = await this.#line();
        if (!challenge.startsWith('+ ') && challenge !== '+') throw saidNo(challenge);
        await this.#reply(Buffer.from(`${authorize ?? ''}\0${user}\0${password}`).toString('base64'));
      } else {
        await this.#reply(`USER ${user}`);
        await this.#reply(`PASS ${password}`);
      }
    } catch (error) {
      if (!(error instanceof SourceSaidNo)) throw error;
      // RFC 2449 8.1.2, RFC 3206 4: the maildrop is in use, or the server is not well: later.
      if (error.code !== undefined && error.code !== 'AUTH') throw error;
      throw new Refused('source.sign-in', `${this.#host} does not let ${authorize ?? user} in: ${error.message}`);
    }
  }

  // ---- talking

  #send(command: string): void {
    if (/[\r\n]/.test(command)) throw new Refused('source.sign-in', 'A name or password for POP3 is of one line.');
    this.#socket.write(`${command}\r\n`);
  }

  /** Sends a command, if there is one, and takes the first line of the answer. @throws SourceSaidNo for -ERR */
  async #reply(command?: string): Promise<string> {
    if (command !== undefined) this.#send(command);
    const line = await this.#line();
    if (line.startsWith('+OK')) return line;
    throw saidNo(line);
  }

  async #line(): Promise<string> {
    for (let end = this.#buffer.indexOf(10); ; end = this.#buffer.indexOf(10)) {
      if (end !== -1) {
        const line = this.#buffer.toString('utf8', 0, this.#buffer[end - 1] === 13 ? end - 1 : end);
        this.#buffer = this.#buffer.subarray(end + 1);
        return line;
      }
      if (this.#buffer.length > MOST_LINE) throw this.#garbage('a line without end');
      this.#buffer = Buffer.concat([this.#buffer, await this.#chunk()]);
    }
  }

  /** The lines of a multi-line answer (RFC 1939 3). */
  async *#lines(): AsyncGenerator<string, void, void> {
    for (let line = await this.#line(); line !== '.'; line = await this.#line()) {
      yield line.startsWith('.') ? line.slice(1) : line;
    }
  }

  /** The bytes of a multi-line answer, the dots taken off. */
  async *#content(): AsyncGenerator<Buffer, void, void> {
    const reader = new DotReader();
    let ended = false;
    try {
      while (!reader.ended) {
        const chunk = this.#buffer.length > 0 ? this.#buffer : await this.#chunk();
        const bytes = reader.push(chunk);
        this.#buffer = chunk.subarray(reader.consumed);
        if (bytes.length > 0) yield bytes;
      }
      ended = true;
    } finally {
      // Left before its end: the rest stands in the way of every answer.
      if (!ended) this.close();
    }
  }

  async #chunk(): Promise<Buffer> {
    const next = await this.#chunks.next();
    if (next.done !== true) return next.value;
    throw new SourceLost(this.#lost?.message ?? 'the connection was closed', { cause: this.#lost });
  }

  async *#read(socket: Socket): AsyncGenerator<Buffer, void> {
    socket.setTimeout(SILENCE, () => socket.destroy(new Error('the server fell silent')));
    try {
      const chunks: AsyncIterable<Buffer> = socket.iterator({ destroyOnReturn: false });
      yield* chunks;
    } catch (error) {
      this.#lost = error as Error;
    }
  }

  #garbage(what: string): SourceLost {
    this.close();
    return new SourceLost(`${this.#host} said what is not POP3 (${what})`);
  }
}

/** RFC 2449 8: a response code in brackets may stand before the text. */
function saidNo(line: string): Error {
  if (!line.startsWith('-ERR')) return new SourceLost(`an answer that is not POP3: ${line.slice(0, 100)}`);
  const [, code, text = ''] = /^-ERR *(?:\[([^\]]*)\])? *(.*)$/.exec(line) ?? [];
  return new SourceSaidNo(text === '' ? 'no reason given' : text.slice(0, 300), code?.split(' ')[0]?.toUpperCase());
}

/** A connected socket. @throws SourceLost, Refused `source.certificate` */
function opened(endpoint: Endpoint): Promise<Socket> {
  return settled((done) => open(endpoint, endpoint.security === 'tls', done));
}

function secured(socket: Socket, endpoint: Endpoint): Promise<Socket> {
  return settled((done) => upgrade(socket, endpoint, done));
}

function settled(begin: (done: () => void) => Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = begin(() => {
      clearTimeout(timer);
      resolve(socket);
    });
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), CONNECT_WITHIN);
    // Stays: an error after the connection was lost has been told by the reader.
    socket.on('error', (error) =>
      reject(error instanceof Refused ? error : new SourceLost(error.message, { cause: error })),
    );
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new SourceLost('the connection was closed'));
    });
  });
}
