/** A server that takes mail as the test wants it to: in order, badly, or not at all. On loopback, over real sockets. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { PeerLimits } from '../../src/outbound/peer.ts';
import type { Milliseconds } from '../../src/store/ids.ts';
import { defer } from '../helpers/defer.ts';

/** Of whoever talks to one that answers in the end: long enough on every machine. */
export const PATIENT: PeerLimits = { connect: 20_000, greeting: 20_000, silence: 20_000, message: 20_000 };

/**
 * What it says to a command; `drop` ends the connection, `silence` says nothing, ever, `endless` never comes to an end, `trickle` neither, byte by
 * byte. A text is sent as it is, with CRLF.
 */
export type Saying = string | 'drop' | 'silence' | 'endless' | 'trickle';

const TRICKLE_EVERY = 20;

export interface ScriptedPeerOptions {
  /** By the first word of the command, or `greeting`, `body`: what is said; the usual thing if absent. */
  readonly says?: (command: string, line: string) => Saying | undefined;
  readonly extensions?: readonly string[];
  /** Offers STARTTLS with it. */
  readonly tls?: SecureContextOptions;
  /** TLS from the first byte, with what {@link tls} says. */
  readonly implicit?: boolean;
  /** What it does instead of a TLS handshake. */
  readonly handshake?: 'drop' | 'garbage' | 'silence';
  /** Says it in the clear after its answer to STARTTLS, in the same breath. */
  readonly injects?: string;
  /** Says it when it has heard so many bytes of a message. */
  readonly interrupts?: { readonly after: number; readonly with: string };
  /** Every byte by itself. */
  readonly slowly?: boolean;
  /** So long before it looks at what it has heard. */
  readonly thinksFor?: Milliseconds;
  /** Hears nothing while it speaks. */
  readonly deafWhileSpeaking?: boolean;
  /** Goes when it has said, or heard, so many bytes of a connection. */
  readonly goesAfter?: { readonly said?: number; readonly heard?: number };
}

export interface Taken {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly body: string;
  readonly secure: boolean;
}

export class ScriptedPeer {
  readonly lines: string[] = [];
  /** Messages that it answered 250 for. */
  readonly taken: Taken[] = [];
  connections = 0;
  /** Bytes that it said of what has no end, and that went out. */
  endless = 0;
  port = 0;
  readonly #options: ScriptedPeerOptions;
  readonly sockets = new Set<Socket>();
  #onGone: (() => void) | undefined;

  constructor(options: ScriptedPeerOptions) {
    this.#options = options;
  }

  serve(plain: Socket): void {
    this.connections += 1;
    this.sockets.add(plain);
    plain.on('close', () => {
      this.sockets.delete(plain);
      this.#onGone?.();
    });
    const { tls, implicit = false } = this.#options;
    if (implicit) this.#talk(this.#secured(plain, tls!), true);
    else this.#talk(plain, false);
  }

  #secured(socket: Socket, tls: SecureContextOptions): TLSSocket {
    const safe = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) });
    return safe.on('error', () => safe.destroy());
  }

  /** Resolves when nobody is connected any more. */
  async alone(): Promise<void> {
    while (this.sockets.size > 0) await new Promise<void>((resolve) => (this.#onGone = resolve));
  }

  #endlessly(socket: Socket, code: string, saying: 'endless' | 'trickle'): void {
    if (saying === 'trickle') {
      const bytes = `${code}-and so on\r\n`;
      let at = 0;
      const timer = setInterval(() => socket.write(bytes[at++ % bytes.length]!), TRICKLE_EVERY);
      socket.on('close', () => clearInterval(timer));
      return;
    }
    const lines = `${code}-and so on and on\r\n`.repeat(1_000);
    const more = (): void => {
      if (socket.destroyed) return;
      socket.write(lines, (error) => {
        if (error) return;
        this.endless += lines.length;
        setImmediate(more);
      });
    };
    more();
  }

  #talk(socket: Socket, secure: boolean): void {
    const {
      says = () => undefined,
      extensions = ['PIPELINING', '8BITMIME', 'SIZE 10000000'],
      tls,
      handshake,
      goesAfter = {},
      implicit = false,
      injects = '',
      interrupts,
      slowly = false,
      thinksFor = 0,
      deafWhileSpeaking = false,
    } = this.#options;
    let [rest, sender, body] = ['', '', null as string | null];
    let recipients: string[] = [];
    let heardOfBody = 0;
    let [mayHear, maySay] = [goesAfter.heard ?? Number.POSITIVE_INFINITY, goesAfter.said ?? Number.POSITIVE_INFINITY];
    /** @returns all of it was said */
    const tell = (text: string): boolean => {
      const whole = text.length <= maySay;
      const said = text.slice(0, Math.max(0, maySay));
      if (deafWhileSpeaking) socket.pause();
      for (const part of slowly ? said : [said]) socket.write(part);
      if (deafWhileSpeaking) socket.write('', () => socket.writableLength > 0 || socket.resume());
      maySay -= text.length;
      if (!whole) socket.end(() => socket.destroy());
      return whole;
    };
    const say = (command: string, line: string, usual: string): boolean => {
      const said = says(command, line) ?? usual;
      if (said === 'drop') socket.destroy();
      else if (said === 'endless' || said === 'trickle') this.#endlessly(socket, usual.slice(0, 3), said);
      else if (said !== 'silence' && !tell(`${said}\r\n`)) return false;
      return said === usual || said.startsWith('2') || said.startsWith('3');
    };
    const answer = (line: string): boolean => {
      this.lines.push(line);
      const command = (/^[A-Za-z]+/.exec(line)?.[0] ?? '').toUpperCase();
      switch (command) {
        case 'EHLO': {
          const offered = [...extensions, ...(tls === undefined || secure ? [] : ['STARTTLS'])];
          say(command, line, ['250-peer.test', ...offered.map((each) => `250-${each}`), '250 HELP'].join('\r\n'));
          break;
        }
        case 'STARTTLS': {
          socket.cork();
          const granted = say(command, line, '220 2.0.0 go on');
          socket.write(injects);
          socket.uncork();
          if (!granted || tls === undefined) break;
          socket.removeAllListeners('data');
          if (handshake !== undefined) {
            if (handshake === 'drop') socket.destroy();
            if (handshake === 'garbage') socket.write('What do you mean?\r\n'.repeat(100));
            return false;
          }
          this.#talk(this.#secured(socket, tls), true);
          return false;
        }
        case 'MAIL':
          sender = /<(.*?)>/.exec(line)?.[1] ?? '';
          recipients = [];
          say(command, line, '250 2.1.0 fine');
          break;
        case 'RCPT':
          if (say(command, line, '250 2.1.5 fine')) recipients.push(/<(.*?)>/.exec(line)?.[1] ?? '');
          break;
        case 'DATA':
          if (recipients.length === 0) say(command, line, '554 5.5.1 nobody');
          else if (say(command, line, '354 go on')) body = '';
          break;
        case 'QUIT':
          say(command, line, '221 2.0.0 bye');
          socket.end();
          break;
        default:
          say(command, line, '250 2.0.0 fine');
      }
      return true;
    };
    socket.on('error', () => socket.destroy());
    const hear = (bytes: Buffer): void => {
      mayHear -= bytes.length;
      if (mayHear < 0) return void socket.destroy();
      if (body !== null && interrupts !== undefined) {
        heardOfBody += bytes.length;
        if (heardOfBody < interrupts.after) return;
        heardOfBody = Number.NEGATIVE_INFINITY; // once
        socket.write(interrupts.with);
        return;
      }
      rest += bytes.toString('latin1');
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (body === null) {
          if (!answer(line)) return;
        } else if (line !== '.') {
          body += `${line.startsWith('.') ? line.slice(1) : line}\r\n`;
        } else {
          if (say('body', '', '250 2.0.0 taken')) this.taken.push({ sender, recipients, body, secure });
          body = null;
        }
      }
    };
    socket.on('data', (bytes: Buffer) => {
      if (thinksFor === 0) return hear(bytes);
      socket.pause();
      setTimeout(() => {
        if (socket.destroyed) return;
        hear(bytes);
        socket.resume();
      }, thinksFor);
    });
    socket.setNoDelay(true);
    if (!secure || implicit) say('greeting', '', '220 peer.test ESMTP');
  }
}

/** Starts one on a free port of a loopback address; it ends with the test. */
export async function scriptedPeer(
  t: TestContext,
  options: ScriptedPeerOptions = {},
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<ScriptedPeer> {
  const peer = new ScriptedPeer(options);
  const server = createServer((socket) => peer.serve(socket));
  server.listen(at.port ?? 0, at.host ?? '127.0.0.1');
  await once(server, 'listening');
  peer.port = (server.address() as AddressInfo).port;
  defer(t, async () => {
    for (const socket of peer.sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return peer;
}
