/** An office that serves IMAP on a free port of a real listener, with a real store, and clients that talk to it as clients do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { PasswordAuthenticator } from '../../src/auth/authenticator.ts';
import { Directory } from '../../src/directory/directory.ts';
import { DEFAULT_LIMITS, type ImapLimits } from '../../src/imap/context.ts';
import { imapProtocol } from '../../src/imap/protocol.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { Listener, type ListenerOptions } from '../../src/net/listener.ts';
import type { AccountId } from '../../src/store/ids.ts';
import { MailStore } from '../../src/store/store.ts';

export const PASSWORD = 'correct horse';

export interface ImapOffice {
  readonly store: MailStore;
  /** The data directory. */
  readonly folder: string;
  readonly directory: Directory;
  /** Of anna, who is there from the start. */
  readonly account: AccountId;
  readonly port: number;
  /** Faults of ours; the office asserts at its end that there were none but those a test took out. */
  readonly faults: unknown[];
  /** A connection that has read the greeting. */
  connect(): Promise<ImapClient>;
  /** A connection of anna's, signed in. */
  signIn(): Promise<ImapClient>;
  /** A connection of anna's with INBOX selected. */
  inbox(): Promise<ImapClient>;
}

export interface NetworkOptions extends Partial<Pick<ListenerOptions, 'certificates' | 'proxies'>> {
  readonly accountConnections?: number;
}

/** Opens an office; it closes when the test ends. With `certificates` it offers STARTTLS. */
export async function imapOffice(
  t: TestContext,
  limits: Partial<ImapLimits> = {},
  { certificates = null, proxies, accountConnections = 1_000 }: NetworkOptions = {},
): Promise<ImapOffice> {
  const log = pino({ level: 'silent' });
  const faults: unknown[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-imap-'));
  const store = await MailStore.open({
    directory: folder,
    command: 'test',
    diskWatermarkBytes: 0,
    onTrouble: (_, error) => faults.push(error),
  });
  const directory = await Directory.open(store.engine);
  await directory.by('the test').domains.add('office.test');
  const anna = await directory.by('the test').accounts.add({ address: 'anna@office.test', password: PASSWORD });
  const listener = await Listener.listen({
    protocol: imapProtocol({
      store,
      authenticator: new PasswordAuthenticator({ directory }),
      limits: { ...DEFAULT_LIMITS, ...limits },
      startTls: certificates !== null,
      onCommand() {},
      log,
      onInternalError: (_, error) => faults.push(error),
    }),
    addresses: [{ host: '127.0.0.1', port: 0 }],
    implicitTls: false,
    certificates,
    ...(proxies && { proxies }),
    limits: new ConnectionLimits({ connections: 1_000, byAddress: 1_000, byAccount: accountConnections }),
    linesAWindow: 10_000_000,
    log,
    onInternalError: (_, error) => faults.push(error),
  });
  const clients: ImapClient[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await listener.stop(0);
    await store.close();
    await rm(folder, { recursive: true });
    assert.deepEqual(faults, []);
  });
  const { port } = listener.addresses[0]!;
  const open = async (): Promise<ImapClient> => {
    const client = await ImapClient.connect(port);
    clients.push(client);
    return client;
  };
  const signIn = async (): Promise<ImapClient> => {
    const client = await open();
    await client.ok(`LOGIN anna@office.test "${PASSWORD}"`);
    return client;
  };
  return {
    store,
    directory,
    folder,
    account: anna.id,
    port,
    faults,
    connect: open,
    signIn,
    async inbox() {
      const client = await signIn();
      await client.ok('SELECT INBOX');
      return client;
    },
  };
}

/** What a command was answered. */
export interface Answer {
  /** Untagged responses and continuation requests in order, without their last CRLF, literals in place; one character a byte. */
  readonly untagged: readonly string[];
  /** `OK FETCH completed`, without the tag. */
  readonly tagged: string;
}

/** One connection to an IMAP server, which understands just enough to tell where a response ends. */
export class ImapClient {
  readonly #socket: Socket;
  #received = '';
  #ended = false;
  #wake: (() => void) | null = null;
  #tags = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(port: number): Promise<ImapClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const client = new ImapClient(socket);
    assert.match((await client.response())!, /^\* OK /);
    return client;
  }

  /** Sends bytes as they are, one a character. */
  send(bytes: string): void {
    this.#socket.write(Buffer.from(bytes, 'latin1'));
  }

  /** Reads no more for now, as a slow client does. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The next response, literals included, without its last CRLF; null at the end of the connection. */
  async response(): Promise<string | null> {
    for (;;) {
      const end = responseEnd(this.#received);
      if (end >= 0) {
        const response = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return response;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  /** Gives a command (its literals without waiting, `{n+}`) and reads to its tagged response. */
  async command(text: string): Promise<Answer> {
    return this.answer(this.start(text));
  }

  /** Gives a command and does not wait. @returns its tag */
  start(text: string): string {
    const tag = `t${++this.#tags}`;
    this.send(`${tag} ${text}\r\n`);
    return tag;
  }

  /** Reads to the tagged response of a command that was started. */
  async answer(tag: string): Promise<Answer> {
    const untagged: string[] = [];
    for (;;) {
      const response = await this.response();
      assert.ok(response !== null, `the connection ended before ${tag} was answered, after ${untagged.slice(-3)}`);
      if (response.startsWith(`${tag} `)) return { untagged, tagged: response.slice(tag.length + 1) };
      untagged.push(response);
    }
  }

  /** A command that must succeed. @returns its untagged responses */
  async ok(text: string): Promise<readonly string[]> {
    const { untagged, tagged } = await this.command(text);
    assert.match(tagged, /^OK /, `${text}: ${tagged}`);
    return untagged;
  }

  /** Adds a message to a mailbox. @param options `(\Seen) "17-Jul-1996 02:44:25 +0000"`: flags and date */
  async append(message: string, mailbox = 'INBOX', options = ''): Promise<void> {
    await this.ok(`APPEND ${mailbox} ${options === '' ? '' : `${options} `}{${message.length}+}\r\n${message}`);
  }
}

const LITERAL = /~?\{(\d+)\}$/;

/** Where the first response ends (before its CRLF), or -1. */
function responseEnd(text: string): number {
  let from = 0;
  for (;;) {
    const end = text.indexOf('\r\n', from);
    if (end < 0) return -1;
    const literal = LITERAL.exec(text.slice(from, end));
    if (literal === null) return end;
    from = end + 2 + Number(literal[1]);
    if (from > text.length) return -1;
  }
}

/** A message with some fields and a text, its lines ended by CRLF. */
export function message(fields: Readonly<Record<string, string>>, text = 'Hello'): string {
  const header = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${header.join('')}\r\n${text}\r\n`;
}
