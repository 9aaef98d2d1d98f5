/**
 * One connection of SMTP, submission or LMTP, from greeting to end.
 *
 * Invariants:
 * - commands run one after the other, each answered before the next is read; the answers to a pipeline go out together (RFC 2920 3.2);
 * - the session never guesses where message data ends: what it doesn't want it takes and drops;
 * - a message is either whole in the store, durably, before its positive reply, or nothing of it is kept.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Authenticator, Peer } from '../auth/types.ts';
import type { Account } from '../directory/types.ts';
import type { LineConnection } from '../net/connection-types.ts';
import { LineTooLong } from '../net/line-too-long.ts';
import type { Milliseconds } from '../store/ids.ts';
import { overstays } from './bounds.ts';
import type { SmtpContext } from './context.ts';
import type { Dialect } from './dialect.ts';
import { envelopeOf } from './message.ts';
import { INTERNAL_ERROR, type Malformed, type Reply, reply, replyToError } from './reply.ts';
import { turnedAway, type Visitor } from './strangers.ts';
import { parseCommand } from './syntax/command.ts';
import type { Transaction } from './transaction.ts';

/** RFC 5321 4.5.3.1.4 asks for 512 octets, more with extensions. */
const COMMAND_OCTETS = 2_048;
/** RFC 4954 4: AUTH and what answers its challenges may be so long. */
const AUTH_OCTETS = 12_288;

const TOO_MANY_ERRORS = reply(421, '4.7.0', 'Too many errors');
const NO_LINE: Malformed = [500, '5.5.2'];
const NO_ARGUMENTS: Malformed = [501, '5.5.4'];
const LONG_EXCHANGE: Malformed = [500, '5.5.6']; // RFC 4954 6

/** Commands run in one turn of the event loop before others have their turn; RCPT may have to find the thousands who are in a group. */
const COMMANDS_A_TURN = 20;

export class SmtpSession {
  readonly connection: LineConnection;
  readonly context: SmtpContext;
  readonly dialect: Dialect;
  /** What the client calls itself; empty before EHLO, HELO or LHLO. */
  helo = '';
  /** It said EHLO or LHLO. */
  extended = false;
  signedIn: Account | null = null;
  /** What is sent is filed in Sent. */
  fileSent = false;
  transaction: Transaction | null = null;
  /** Null: the client is trusted. */
  readonly visitor: Visitor | null;
  /** Negative replies of 5xx since the last message that was taken. */
  errors = 0;
  /** When the last message was taken, or it began; as `performance.now()`. */
  broughtAt: Milliseconds = performance.now();
  #peer: Peer | null = null;
  readonly #authenticator: Authenticator | null;
  #ended = false;

  /** @param authenticator  null: nobody signs in here */
  constructor(connection: LineConnection, dialect: Dialect, context: SmtpContext, authenticator: Authenticator | null) {
    this.connection = connection;
    this.dialect = dialect;
    this.context = context;
    this.#authenticator = authenticator;
    this.visitor = context.reception?.receive(connection.remoteAddress) ?? null;
  }

  /** Serves the connection until it ends. */
  async serve(): Promise<void> {
    const { connection, visitor } = this;
    const unwanted = visitor === null ? null : await turnedAway(visitor, connection, this.context.hostname);
    if (unwanted !== null) {
      connection.write(unwanted);
      return connection.end();
    }
    connection.write(`220 ${this.context.hostname} ${this.dialect.service} Rainmail\r\n`); // RFC 5321 4.2: the name comes first
    try {
      for (let served = 1; !this.#ended; served += 1) {
        const answer = await this.#serveOne();
        if (answer === null) break;
        if (answer !== '') this.#answer(answer);
        const room = connection.drained();
        if (room !== undefined) await room;
        else if (served % COMMANDS_A_TURN === 0) await nextTurn();
      }
    } finally {
      this.abandonTransaction();
      connection.end();
    }
  }

  /** Reads a command and runs it. @returns null when the connection has ended */
  async #serveOne(): Promise<Reply | null> {
    let line: Buffer | null;
    try {
      line = await this.readLine();
    } catch (error) {
      const isAuth = error instanceof LineTooLong && /^auth /i.test(error.head);
      return this.replyTo(error, isAuth ? LONG_EXCHANGE : NO_LINE);
    }
    if (line === null) return null;
    try {
      return await this.#run(line);
    } catch (error) {
      return this.replyTo(error, error instanceof LineTooLong ? LONG_EXCHANGE : NO_ARGUMENTS); // only AUTH reads lines
    }
  }

  #run(line: Buffer): Reply | Promise<Reply> {
    const { verb, args } = parseCommand(line);
    const command = this.dialect.commands.get(verb);
    this.context.onCommand(command?.name ?? 'unknown');
    if (line.length > COMMAND_OCTETS && verb !== 'AUTH') return reply(500, '5.5.2', 'The line is too long');
    if (command === undefined) return reply(500, '5.5.1', 'That command is not known here; HELP lists those that are');
    return command.run(this, args);
  }

  #answer(answer: Reply): void {
    this.connection.write(answer);
    const isWrong = answer.startsWith('5') && ++this.errors >= this.dialect.mostErrors;
    const why = isWrong ? TOO_MANY_ERRORS : overstays(this, this.broughtAt);
    if (why === undefined || this.#ended) return;
    this.connection.write(why);
    this.#ended = true;
  }

  /** The next line from the client; null at the end. @throws BadCommand for one that is no line */
  readLine(): Buffer | null | Promise<Buffer | null> {
    const mayBeAuth = this.#authenticator !== null && this.signedIn === null;
    const limit = mayBeAuth ? AUTH_OCTETS : COMMAND_OCTETS;
    return this.connection.lineNow(limit) ?? this.connection.line(limit);
  }

  /** The reply to an error; one of our own is reported first. @param malformed what a BadCommand means here */
  replyTo(error: unknown, malformed: Malformed): Reply {
    const answer = replyToError(error, malformed);
    if (answer !== undefined) return answer;
    this.context.onInternalError(error, this.connection.id);
    return INTERNAL_ERROR;
  }

  /** The other end as the authenticator sees it; asking the socket costs, so it is asked once. */
  get peer(): Peer {
    if (this.#peer === null) {
      const { remoteAddress, secure, local, tls } = this.connection;
      this.#peer = { protocol: 'submission', address: remoteAddress, mayUsePassword: secure || local, tls };
    }
    return this.#peer;
  }

  /** SASL mechanisms to offer now; none where nobody can sign in. */
  mechanisms(): readonly string[] {
    return this.#authenticator?.mechanisms(this.peer) ?? [];
  }

  get authenticator(): Authenticator {
    if (this.#authenticator === null) throw new Error('nobody signs in here');
    return this.#authenticator;
  }

  /** Forgets the transaction; nothing of its message is kept. */
  abandonTransaction(): void {
    const { transaction } = this;
    if (transaction !== null && transaction.refused.length > 0) {
      this.context.delivery.refused(envelopeOf(this, transaction), null);
    }
    this.transaction?.abandon();
    this.transaction = null;
  }

  /** TLS is on: nothing that was said before counts (RFC 3207 4.2). */
  startAfresh(): void {
    this.abandonTransaction();
    this.#peer = null;
    this.helo = '';
    this.extended = false;
    this.signedIn = null;
    this.fileSent = false;
  }

  /** The connection ends once the reply to this command has been sent. */
  end(): void {
    this.#ended = true;
  }
}
