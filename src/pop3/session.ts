/**
 * One POP3 connection, from greeting to end (RFC 1939).
 *
 * Invariants:
 * - commands run one after the other, each answered before the next is read; the answers to a pipeline go out together (RFC 2449 6.6);
 * - a connection that ends without QUIT has deleted nothing (RFC 1939 6).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { claimConnection } from '../auth/claim.ts';
import type { Peer, SignedIn } from '../auth/types.ts';
import { BadCommand, type RefusalCode, Refused } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import { type FlagChange, SEEN } from '../store/flags.ts';
import { PASSWORD } from '../store/operations/devices.ts';
import { commandNamed } from './commands/all.ts';
import { noop } from './commands/noop.ts';
import type { Pop3Context } from './context.ts';
import type { DeviceUse } from './devices-in-use.ts';
import type { Maildrop } from './maildrop.ts';
import { openMaildrop } from './open-maildrop.ts';
import { err, INTERNAL_ERROR, ok, type Response, responseToError } from './responses.ts';
import { parseCommand } from './syntax/command.ts';

/** RFC 2449 4 asks for 255 octets, which a long password may pass. */
const LINE_OCTETS = 4_096;
/** RFC 5034 4: AUTH and what answers its challenges may be as long as in SMTP (RFC 4954 4); tokens are. */
const AUTH_OCTETS = 12_288;

/** Refusals that end the connection when there are many. */
const COUNTED: ReadonlySet<RefusalCode> = new Set(['auth.failed', 'auth.not-allowed']);

/** Commands run in one turn of the event loop before others have their turn. */
const COMMANDS_A_TURN = 100;

const SEEN_FLAG: FlagChange = { how: 'add', flags: { bits: SEEN, keywords: [] } };

/** Which device signs in. Tokens are not told apart: like the password, they are all programs of the person together. */
function deviceOf({ id, kind }: SignedIn['credential']): number {
  return kind === 'oauth' ? PASSWORD : id;
}

export class Pop3Session {
  readonly connection: LineConnection;
  readonly context: Pop3Context;
  /** The name given by USER, for PASS. */
  user: string | null = null;
  /** The client has said that it takes UTF-8 (RFC 6856). */
  utf8 = false;
  /** Null before sign-in. */
  maildrop: Maildrop | null = null;
  #peer: Peer | null = null;
  /** Of a device, that another program might use as well. */
  #use: DeviceUse | null = null;
  #errors = 0;
  #ended = false;

  constructor(connection: LineConnection, context: Pop3Context) {
    this.connection = connection;
    this.context = context;
  }

  /** Serves the connection until it ends. */
  async serve(): Promise<void> {
    const { connection } = this;
    connection.write(ok('Rainmail is ready'));
    try {
      for (let served = 1; !this.#ended; served += 1) {
        const answer = this.#serveOne();
        const response = answer instanceof Promise ? await answer : answer;
        if (response === null) break;
        if (response !== '') connection.write(response);
        const room = connection.drained();
        if (room !== undefined) await room;
        else if (served % COMMANDS_A_TURN === 0) await nextTurn();
      }
    } finally {
      this.#use?.end();
      this.maildrop?.lease.end();
      connection.end();
      // Also when the connection broke: the device may have got them. Nothing is removed by it.
      await this.noteFetched().catch((error: unknown) => this.responseTo(error));
    }
  }

  /** The mailbox; only for commands of the transaction state. */
  get drop(): Maildrop {
    if (this.maildrop === null) throw new Error('nobody is signed in');
    return this.maildrop;
  }

  /** The other end as the authenticator sees it; asking the socket costs, so it is asked once. */
  get peer(): Peer {
    if (this.#peer === null) {
      const { remoteAddress, secure, local, tls } = this.connection;
      this.#peer = { protocol: 'pop3', address: remoteAddress, mayUsePassword: secure || local, tls };
    }
    return this.#peer;
  }

  /** TLS is on: nothing that was said before counts. */
  startAfresh(): void {
    this.#peer = null;
    this.user = null;
  }

  /** The next line from the client; null at the end. @throws BadCommand for one that is too long */
  readLine(): Buffer | null | Promise<Buffer | null> {
    const limit = this.maildrop === null ? AUTH_OCTETS : LINE_OCTETS;
    return this.connection.lineNow(limit) ?? this.connection.line(limit);
  }

  /** Somebody has signed in: the list of messages is taken now and stays as it is. @throws Refused `limit.reached` */
  async open(signedIn: SignedIn): Promise<Response> {
    await claimConnection(this.connection, signedIn);
    const { account, credential } = signedIn;
    if (!this.context.loginDelay.mayEnter(account.id)) {
      throw new Refused('auth.too-soon', 'You have signed in a moment ago. Let your mail program ask less often.');
    }
    this.maildrop = await openMaildrop(this.context, signedIn, deviceOf(credential));
    const { device, list } = this.maildrop;
    if (device !== null) this.#use = this.context.devicesInUse.begin(account.id, device);
    return ok(`${list.length} messages (${list.sizeBytes} octets)`);
  }

  /** Keeps what was retrieved: as had by this device, and as seen where the office wants that. */
  async noteFetched(): Promise<void> {
    const { maildrop, context } = this;
    if (maildrop === null) return;
    const { account, device, rules, by } = maildrop;
    const fetched = maildrop.takeFetched();
    if (fetched.length === 0) return;
    for (const { messages } of fetched) {
      const emails = messages.map(({ email }) => email);
      context.store.trace.retrieved(account, by, emails);
    }
    if (device !== null) await context.store.devices.noteFetched(account, device, fetched);
    if (!rules.seenByRetr) return;
    for (const { mailbox, messages } of fetched) {
      const uids = messages.map(({ uid }) => uid);
      await context.store.messages.storeFlags({ account, mailbox }, uids, SEEN_FLAG, { by });
    }
  }

  /** The connection ends once the response to this command has been sent. */
  end(): void {
    this.#ended = true;
  }

  /** The response to an error; one of our own is reported first. */
  responseTo(error: unknown): Response {
    const response = responseToError(error);
    if (response !== undefined) return response;
    this.context.onInternalError(error, this.connection.id);
    return INTERNAL_ERROR;
  }

  /** The response to the next command; null when the connection has ended. Waits only where there is something to wait for. */
  #serveOne(): Response | null | Promise<Response | null> {
    try {
      const line = this.readLine();
      if (line instanceof Promise) return this.#serveLater(line);
      if (line === null) return null;
      const response = this.#run(line);
      return response instanceof Promise ? response.catch((error: unknown) => this.#refused(error)) : response;
    } catch (error) {
      return this.#refused(error);
    }
  }

  async #serveLater(coming: Promise<Buffer | null>): Promise<Response | null> {
    try {
      const line = await coming;
      return line === null ? null : await this.#run(line);
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): Response {
    if (error instanceof BadCommand || (error instanceof Refused && COUNTED.has(error.code))) this.#countError();
    return this.responseTo(error);
  }

  #run(line: Buffer): Response | Promise<Response> {
    const { keyword, args } = parseCommand(line);
    const command = commandNamed(keyword);
    this.context.onCommand(command?.name ?? 'unknown');
    if (command === undefined) throw new BadCommand('That command is not known here');
    if (line.length > LINE_OCTETS && command.name !== 'AUTH') throw new BadCommand('The line is too long');
    if (!command.states.includes(this.maildrop === null ? 'authorization' : 'transaction')) {
      throw new BadCommand(this.maildrop === null ? 'Sign in first' : 'You are signed in already');
    }
    if (command.bare === true && args.trim() !== '') throw new BadCommand(`${command.name} takes no arguments`);
    this.#use?.goesOn();
    if (command !== noop) this.maildrop?.lease.renew(); // a client that only keeps the line open retrieves nothing
    return command.run(this, args);
  }

  #countError(): void {
    if (++this.#errors < this.context.limits.errors) return;
    this.connection.write(err('Too many errors'));
    this.#ended = true;
  }
}
