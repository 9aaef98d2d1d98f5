/** A POP3 connection that says exactly what a case wants said, and hears everything: lines, multi-line responses, bytes, the end. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A server that says nothing for so long has failed the case. */
const PATIENCE = 30_000;

export interface Address {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (RFC 8314). */
  readonly tls: boolean;
}

/** What a case complains of, in words. */
export class Failed extends Error {
  override readonly name = 'Failed';
}

export class Connection {
  #socket: Socket;
  #heard = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #said: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async open({ host, port, tls }: Address): Promise<Connection> {
    // The server under examination may have any certificate: it is not what is examined.
    const socket = tls ? connectTls({ host, port, rejectUnauthorized: false }) : connect(port, host);
    socket.setNoDelay(true);
    await once(socket, tls ? 'secureConnect' : 'connect');
    return new Connection(socket);
  }

  /** What was said and heard so far, for the report of a failure. Passwords are left out. */
  get transcript(): string {
    return this.#said.join('\n');
  }

  get ended(): boolean {
    return this.#ended;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (socket !== this.#socket) return; // TLS stands on it now
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Sends bytes as they are. */
  raw(bytes: string | Buffer): void {
    const text = bytes.toString('latin1');
    this.#said.push(`C: ${/^(PASS|AUTH) /i.test(text) ? `${text.slice(0, 5)}...` : printable(text)}`);
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Sends a command and hears the first line of its response, without CRLF. */
  async ask(command: string): Promise<string> {
    this.raw(`${command}\r\n`);
    return this.line();
  }

  /** The next line, without its CRLF. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#heard.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#heard.toString('latin1', 0, end);
        this.#heard = this.#heard.subarray(end + 2);
        this.#said.push(`S: ${printable(line)}`);
        return line;
      }
      await this.#more();
    }
  }

  /** The lines of a multi-line response after its first, dots taken off, without the final dot. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.line();
      if (line === '.') return lines;
      lines.push(line.startsWith('.') ? line.slice(1) : line);
    }
  }

  /** Sends a command with a multi-line response. @throws Failed when the answer is not +OK */
  async list(command: string): Promise<string[]> {
    const first = await this.ask(command);
    if (!isOk(first)) throw new Failed(`${command} was answered: ${first}`);
    return this.lines();
  }

  /** Waits for the server to close. @returns what it said before */
  async end(): Promise<string> {
    while (!this.#ended) await this.#more().catch(() => {});
    return this.#heard.toString('latin1');
  }

  /** True when the server says something more within this time; for cases in which it must not. */
  async saysMoreWithin(milliseconds: number): Promise<boolean> {
    if (this.#heard.length > 0) return true;
    const timer = setTimeout(() => this.#wake?.(), milliseconds);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    clearTimeout(timer);
    return this.#heard.length > 0;
  }

  /** Turns TLS on, after the server has agreed. */
  async startTls(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    const secure = connectTls({ socket: plain, rejectUnauthorized: false });
    this.#socket = secure;
    this.#heard = Buffer.alloc(0);
    await once(secure, 'secureConnect');
    this.#listen();
  }

  /** Ends the connection without a word, as a broken line does. */
  async break(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }

  async #more(): Promise<void> {
    if (this.#ended)
      throw new Failed(`the server closed the connection; it had said: ${printable(this.#heard.toString('latin1'))}`);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

export function isOk(line: string): boolean {
  return line === '+OK' || line.startsWith('+OK ');
}

export function isErr(line: string): boolean {
  return line === '-ERR' || line.startsWith('-ERR ');
}

function printable(text: string): string {
  const short = text.length > 400 ? `${text.slice(0, 400)}...(${text.length} octets)` : text;
  return short
    .replace(/\r\n$/, '')
    .replace(/[\x00-\x1f\x7f-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
