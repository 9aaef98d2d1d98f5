/** Clients of line protocols that say and hear exactly what the test writes: over a real socket, without cleverness. */
import { connect, type Socket } from 'node:net';

/** Long enough for the slowest machine; a test that waits this long has failed. */
const PATIENCE = 120_000;

export class LineClient {
  readonly socket: Socket;
  #buffer = '';
  #ended = false;
  #wake: (() => void) | undefined;

  protected constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('the server said nothing for too long')));
    socket.on('data', (text: string) => {
      this.#buffer += text;
      this.#wake?.();
    });
    socket.on('error', () => {}); // `close` follows
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  static async open(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }

  static async connect(port: number): Promise<LineClient> {
    return new LineClient(await LineClient.open(port));
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next line without its CRLF. Rejects at the end of the connection. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        return line;
      }
      await this.#more();
    }
  }

  /** Exactly so many bytes. */
  async bytes(count: number): Promise<string> {
    while (this.#buffer.length < count) await this.#more();
    const bytes = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.slice(count);
    return bytes;
  }

  /** Resolves when the server has ended the connection; what it said before. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more().catch(() => {});
    const rest = this.#buffer;
    this.#buffer = '';
    return rest;
  }

  /** An SMTP reply (all its lines), which must begin with `code`. */
  async reply(code: string): Promise<string[]> {
    const lines = [await this.line()];
    while (/^\d{3}-/.test(lines.at(-1)!)) lines.push(await this.line());
    if (!lines[0]!.startsWith(code)) throw new Error(`expected ${code}, the server said: ${lines.join(' / ')}`);
    return lines;
  }

  /** An SMTP command and its reply. */
  ask(command: string, code: string): Promise<string[]> {
    this.send(`${command}\r\n`);
    return this.reply(code);
  }

  close(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    if (this.#ended)
      return Promise.reject(new Error(`the connection has ended; unread: ${JSON.stringify(this.#buffer)}`));
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** A signed-in POP3 session (RFC 1939). */
export class Pop3Device extends LineClient {
  static async signIn(port: number, name: string, password: string): Promise<Pop3Device> {
    const session = new Pop3Device(await LineClient.open(port));
    await session.ok();
    await session.command(`USER ${name}`);
    await session.command(`PASS ${password}`);
    return session;
  }

  /** The text of the next reply, which must be +OK. */
  async ok(): Promise<string> {
    const line = await this.line();
    if (!line.startsWith('+OK')) throw new Error(`the server said: ${line}`);
    return line.slice('+OK '.length);
  }

  command(text: string): Promise<string> {
    this.send(`${text}\r\n`);
    return this.ok();
  }

  /** A command with an answer of many lines: the lines, without their dots. */
  async lines(text: string): Promise<string[]> {
    await this.command(text);
    const lines: string[] = [];
    for (let line = await this.line(); line !== '.'; line = await this.line()) {
      lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
    return lines;
  }

  /** A whole message. */
  async retr(number: number): Promise<string> {
    return (await this.lines(`RETR ${number}`)).map((line) => `${line}\r\n`).join('');
  }

  /** All messages, whole, in the order of the list. */
  async all(): Promise<string[]> {
    const messages: string[] = [];
    for (const line of await this.lines('LIST')) messages.push(await this.retr(Number(line.split(' ')[0])));
    return messages;
  }

  async dele(number: number): Promise<void> {
    await this.command(`DELE ${number}`);
  }

  /** Unique ids in the order of the list. */
  async uidl(): Promise<string[]> {
    return (await this.lines('UIDL')).map((line) => line.split(' ')[1]!);
  }

  /** Subjects in the order of the list. */
  async subjects(): Promise<string[]> {
    const subjects: string[] = [];
    for (const line of await this.lines('LIST')) {
      const header = await this.lines(`TOP ${line.split(' ')[0]} 0`);
      subjects.push(header.find((field) => /^Subject: /i.test(field))?.slice('Subject: '.length) ?? '');
    }
    return subjects;
  }

  async quit(): Promise<void> {
    await this.command('QUIT');
  }
}

/** What a command of IMAP was answered: untagged lines, with their literals in place, and the tagged line's text. */
export interface ImapAnswer {
  readonly untagged: readonly string[];
  readonly text: string;
}

/** A signed-in IMAP session. */
export class ImapDevice extends LineClient {
  #tag = 0;

  static async signIn(port: number, name: string, password: string): Promise<ImapDevice> {
    const session = new ImapDevice(await LineClient.open(port));
    await session.line();
    await session.command(`LOGIN ${name} "${password}"`);
    return session;
  }

  /** Gives a command and waits for its OK; anything else rejects. A literal goes as a non-synchronising one (`{n+}`). */
  async command(text: string): Promise<ImapAnswer> {
    const answer = await this.try(text);
    if (!answer.text.startsWith('OK')) throw new Error(`${text.slice(0, 80)}: ${answer.text}`);
    return answer;
  }

  /** As {@link command}, whatever the answer is. */
  async try(text: string): Promise<ImapAnswer> {
    const tag = `t${++this.#tag}`;
    this.send(`${tag} ${text}\r\n`);
    const untagged: string[] = [];
    for (;;) {
      const line = await this.#whole();
      if (line.startsWith(`${tag} `)) return { untagged, text: line.slice(tag.length + 1) };
      untagged.push(line.startsWith('* ') ? line.slice(2) : line);
    }
  }

  /** The whole content of a message of the selected mailbox. */
  async content(uid: number): Promise<string> {
    const { untagged } = await this.command(`UID FETCH ${uid} BODY.PEEK[]`);
    const literal = /\{(\d+)\}\r\n/.exec(untagged.join('\r\n'));
    if (literal === null) throw new Error(`no body in ${untagged.join(' / ')}`);
    const start = literal.index + literal[0].length;
    return untagged.join('\r\n').slice(start, start + Number(literal[1]));
  }

  /** Files a message. @returns its UID (RFC 4315 APPENDUID) */
  async append(mailbox: string, message: string, flags = ''): Promise<number> {
    const { text } = await this.command(
      `APPEND ${mailbox} (${flags}) {${Buffer.byteLength(message, 'latin1')}+}\r\n${message}`,
    );
    return Number(/APPENDUID \d+ (\d+)/.exec(text)![1]);
  }

  /** UIDs of the selected mailbox. */
  async uids(criteria = 'ALL'): Promise<number[]> {
    return (await this.uidsAndMore(criteria)).uids;
  }

  /** The same; and whether the server told meanwhile of mail that came: it tells of it once. */
  async uidsAndMore(criteria: string): Promise<{ readonly uids: number[]; readonly more: boolean }> {
    const { untagged } = await this.command(`UID SEARCH ${criteria}`);
    const found = untagged.find((line) => line.startsWith('SEARCH')) ?? 'SEARCH';
    return { uids: found.split(' ').slice(1).map(Number), more: untagged.some((line) => /^\d+ EXISTS/.test(line)) };
  }

  /** A response with the literals in it. */
  async #whole(): Promise<string> {
    let whole = await this.line();
    for (let literal = /\{(\d+)\}$/.exec(whole); literal !== null; literal = /\{(\d+)\}$/.exec(whole)) {
      whole += `\r\n${await this.bytes(Number(literal[1]))}${await this.line()}`;
    }
    return whole;
  }
}
