/**
 * Opening a connection to a host, up to where a message can be given: connected, greeted, protected by TLS, signed in.
 *
 * Invariant: what a peer says without TLS where there must be TLS, or with a certificate that is not the one, decides nothing but that mail waits.
 */
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Milliseconds } from '../store/ids.ts';
import { forNow, type PeerReply, signInTrouble, tlsTrouble, troubleIn } from './reply.ts';
import { SmtpConnection } from './smtp/connection.ts';
import { ConnectionOver } from './smtp/over.ts';
import { type Credentials, signIn } from './smtp/sign-in.ts';
import { oneLine } from './smtp/syntax/commands.ts';
import { Extensions } from './smtp/syntax/extensions.ts';
import { isDone, type Reply } from './smtp/syntax/reply-reader.ts';
import { Unreachable } from './unreachable.ts';

/** TLS on the way to a host. */
export interface PeerTls {
  /** `opportunistic` goes on without it when the peer does not offer it; `required` never does; `implicit` begins with it. */
  readonly mode: 'none' | 'opportunistic' | 'required' | 'implicit';
  readonly options: ConnectionOptions;
  /** Looks at the peer's certificate, where that is not left to {@link options}. @returns what is wrong with it */
  readonly verify?: (socket: TLSSocket) => string | undefined;
}

export interface PeerOptions {
  readonly address: string;
  readonly port: number;
  /** As this server calls itself. */
  readonly helo: string;
  readonly localAddress?: string | undefined;
  readonly tls: PeerTls;
  /** It must hand on what it gets over TLS alone, and say so (RFC 8689 4.2.1). */
  readonly requireTls?: boolean;
  /** It is one that the DNS names, and so it may be this server itself, by another of its names. */
  readonly byDns?: boolean;
  /** Signs in with it. */
  readonly credentials?: Credentials | undefined;
  /** Aborted: the connection is closed. */
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<PeerLimits>;
}

/** RFC 5321 4.5.3.2 wants some minutes for each; a peer that uses them all up is better tried later. */
export interface PeerLimits {
  readonly connect: Milliseconds;
  /** For the greeting, and for a TLS handshake. */
  readonly greeting: Milliseconds;
  /** Without a sign of life; and for all that comes between the greeting and the first message. */
  readonly silence: Milliseconds;
  /** For one message, beside what its size takes. */
  readonly message: Milliseconds;
}

/** RFC 8689 4.2.1 */
export const NO_REQUIRETLS: PeerReply = {
  reply: 550,
  status: '5.7.30',
  text: 'it does not take mail that wants TLS all the way',
};
/** RFC 5321 5.1, 6.3: there mail would go round in circles. */
export const OURSELVES: PeerReply = {
  reply: 554,
  status: '5.4.6',
  text: 'it is this server itself, which knows no such domain',
};
const GREETING = 220;
export const QUIT_WITHIN: Milliseconds = 5_000;

export interface Opened {
  readonly connection: SmtpConnection;
  /** What the peer offers, now. */
  readonly offered: Extensions;
}

/** @throws Unreachable */
export async function openConnection(options: PeerOptions, limits: PeerLimits): Promise<Opened> {
  const connection = new SmtpConnection(options, limits.silence, options.signal);
  try {
    const offered = await new Opening(connection, options, limits).run();
    return { connection, offered };
  } catch (error) {
    connection.quit(QUIT_WITHIN);
    if (error instanceof ConnectionOver) throw new Unreachable(forNow(troubleIn(error, '4.4.1')), false);
    throw error;
  }
}

class Opening {
  readonly #connection: SmtpConnection;
  readonly #options: PeerOptions;
  readonly #limits: PeerLimits;

  constructor(connection: SmtpConnection, options: PeerOptions, limits: PeerLimits) {
    this.#connection = connection;
    this.#options = options;
    this.#limits = limits;
  }

  /** @returns what the peer offers in the end @throws Unreachable, ConnectionOver */
  async run(): Promise<Extensions> {
    const { tls, requireTls = false, credentials } = this.#options;
    this.#connection.within(this.#limits.connect);
    await this.#connection.connected();
    if (tls.mode === 'implicit') await this.#secure();
    await this.#hearGreeting();
    let offered = await this.#hello();
    if (tls.mode === 'required' || (tls.mode === 'opportunistic' && offered.has('STARTTLS'))) {
      if (await this.#startTls(offered)) offered = await this.#hello();
    }
    if (requireTls && !offered.has('REQUIRETLS')) throw new Unreachable(NO_REQUIRETLS, true);
    if (credentials !== undefined) await this.#signIn(credentials, offered);
    return offered;
  }

  async #hearGreeting(): Promise<void> {
    const answers: Reply[] = [];
    this.#connection.within(this.#limits.greeting);
    this.#connection.expect(1, answers);
    await this.#connection.heard();
    const [greeting] = answers as [Reply];
    if (greeting.code !== GREETING) throw new Unreachable(forNow(troubleIn(greeting, '4.3.2')), false);
    this.#connection.within(this.#limits.silence);
  }

  /** RFC 5321 3.2: EHLO, and HELO for those who don't know that. */
  async #hello(): Promise<Extensions> {
    const { helo, tls } = this.#options;
    const answer = await this.#connection.say(oneLine(`EHLO ${helo}`));
    if (isDone(answer)) {
      if (this.#options.byDns && nameIn(answer) === helo.toLowerCase()) throw new Unreachable(OURSELVES, false);
      return Extensions.in(answer);
    }
    if (answer.code < 500) throw new Unreachable(forNow(troubleIn(answer, '4.3.2')), false);
    if (tls.mode === 'required' && this.#connection.tls === undefined) throw new Unreachable(tlsTrouble(answer), true);
    const plain = await this.#connection.say(oneLine(`HELO ${helo}`));
    if (!isDone(plain)) throw new Unreachable(forNow(troubleIn(plain, '4.3.2')), false);
    return Extensions.NONE;
  }

  /** RFC 3207 4. @returns false when it refuses, and may */
  async #startTls(offered: Extensions): Promise<boolean> {
    if (!offered.has('STARTTLS')) {
      throw new Unreachable(
        { reply: 454, status: '4.7.10', text: 'TLS could not be turned on: it is not offered' },
        true,
      );
    }
    const answer = await this.#connection.startTls();
    if (isDone(answer)) {
      await this.#secure();
      return true;
    }
    if (this.#connection.over) throw new Unreachable(troubleIn(answer, '4.3.2'), false); // 421 says nothing of TLS
    if (this.#options.tls.mode === 'required') throw new Unreachable(tlsTrouble(answer), true);
    return false;
  }

  async #secure(): Promise<void> {
    const { address, tls } = this.#options;
    this.#connection.within(this.#limits.greeting);
    try {
      await this.#connection.secure({ host: address, minVersion: 'TLSv1.2', ...tls.options });
    } catch (error) {
      throw error instanceof ConnectionOver ? new Unreachable(tlsTrouble(error), true) : error;
    }
    const wrong = tls.verify?.(this.#connection.tls!);
    if (wrong !== undefined) throw new Unreachable({ reply: 454, status: '4.7.5', text: wrong }, true);
    this.#connection.within(this.#limits.silence);
  }

  async #signIn(credentials: Credentials, offered: Extensions): Promise<void> {
    const answer = await signIn(this.#connection, credentials, offered);
    if (answer === undefined || !isDone(answer)) throw new Unreachable(signInTrouble(answer), false);
  }
}

/** What the peer calls itself in its answer to EHLO (RFC 5321 4.1.1.1). */
function nameIn({ lines: [first = ''] }: Reply): string {
  return first.split(' ', 1)[0]!.toLowerCase();
}
