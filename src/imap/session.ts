/**
 * One IMAP connection, from greeting to end (RFC 9051, RFC 3501).
 *
 * Invariants:
 * - commands run one at a time, in the order they came; each gets exactly one tagged response, the last of its lines;
 * - what changed in the selected mailbox is told between the command's own responses and its tagged one;
 * - the object is small: thousands of sessions wait idle. What only some need is made when it is needed.
 */
import { claimConnection } from '../auth/claim.ts';
import type { Peer, SignedIn } from '../auth/types.ts';
import type { Account } from '../directory/types.ts';
import { BadCommand, Refused } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import { LineTooLong } from '../net/line-too-long.ts';
import type { Store } from '../store/api.ts';
import type { AccountId } from '../store/ids.ts';
import type { TraceBy } from '../store/trace-types.ts';
import { capabilities } from './capabilities.ts';
import { type AnyCommand, type Completion, no, type State } from './command.ts';
import { CommandInput, CommandTooLarge, ConnectionEnded } from './command-input.ts';
import { commandNamed } from './commands/all.ts';
import type { ImapContext } from './context.ts';
import { responseCode, responseText } from './responses.ts';
import type { SelectedMailbox } from './selected.ts';
import { commandHead, tagOf } from './syntax/command-head.ts';
import { CommandReader } from './syntax/reader.ts';
import { reportChanges } from './updates.ts';

export class ImapSession {
  readonly context: ImapContext;
  readonly connection: LineConnection;
  readonly input: CommandInput;
  /** Who signed in; null before. */
  account: Account | null = null;
  /** Who does what this session does, for the trace. */
  by: TraceBy = { via: 'imap', device: '' };
  selected: SelectedMailbox | null = null;
  /** IMAP4rev2 was enabled: mailbox names in UTF-8, ESEARCH instead of SEARCH, no \Recent (RFC 9051 6.3.1). */
  rev2 = false;
  /** A CONDSTORE enabling command was given: MODSEQ is told with every change of flags (RFC 7162 3.1). */
  condstore = false;
  /** Of the command that is in progress; ESEARCH repeats it. */
  tag = '';
  /** LOGOUT, or one of our bounds: the connection ends after this command. */
  ended = false;
  #failedSignIns = 0;
  #badInARow = 0;

  constructor(context: ImapContext, connection: LineConnection) {
    this.context = context;
    this.connection = connection;
    this.input = new CommandInput(connection);
  }

  get store(): Store {
    return this.context.store;
  }

  /** The account that is signed in; only for commands of the states after sign-in. */
  get accountId(): AccountId {
    return this.#signedIn.id;
  }

  /** The selected mailbox; only for commands of the selected state. */
  get mailbox(): SelectedMailbox {
    if (this.selected === null) throw new Error('no mailbox is selected');
    return this.selected;
  }

  get state(): State {
    if (this.account === null) return 'not authenticated';
    if (this.selected === null) return 'authenticated';
    return this.selected.readOnly ? 'examined' : 'selected';
  }

  /** The other end, as the authenticator sees it. */
  get peer(): Peer {
    const { remoteAddress, secure, local, tls } = this.connection;
    return { protocol: 'imap', address: remoteAddress, mayUsePassword: secure || local, tls };
  }

  get #signedIn(): Account {
    if (this.account === null) throw new Error('nobody is signed in');
    return this.account;
  }

  /** Queues response lines; one character a byte, CRLF included. */
  write(data: string | Buffer): void {
    this.connection.write(data);
  }

  /** Serves the connection until it ends. */
  async serve(): Promise<void> {
    const { connection, context } = this;
    connection.setIdleTimeout(context.limits.signInTimeout);
    this.write(`* OK [CAPABILITY ${capabilities(this)}] Rainmail is ready\r\n`);
    try {
      while (!this.ended && (await this.#next())) await connection.drained();
      connection.end();
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error;
    } finally {
      this.unselect();
    }
  }

  /**
   * Makes the connection the account's.
   * @throws Refused `limit.reached` when the account has as many connections as it may; what was changed meanwhile
   */
  async signIn(signedIn: SignedIn): Promise<void> {
    await claimConnection(this.connection, signedIn);
    const { limits, log } = this.context;
    const { account, credential, mechanism } = signedIn;
    this.account = account;
    this.by = { via: 'imap', device: credential.label };
    this.connection.setIdleTimeout(limits.idleTimeout);
    log.debug(
      { connection: this.connection.id, account: account.name, credential: credential.id, mechanism },
      'signed in',
    );
  }

  /** Leaves the selected mailbox without removing anything from it. */
  unselect(): void {
    this.selected?.close();
    this.selected = null;
  }

  /** Ends the connection with an untagged BYE (RFC 9051 7.1.5). */
  bye(text: string): void {
    this.write(`* BYE ${text}\r\n`);
    this.ended = true;
  }

  /** Reads and answers one command. @returns false at the end of the connection */
  async #next(): Promise<boolean> {
    const limit = this.#commandBytes;
    let tag = '*';
    try {
      const first = await this.input.line(limit);
      if (first === null) return false;
      const head = commandHead(first);
      tag = head.tag;
      this.tag = tag;
      const command = commandNamed(head.name);
      this.context.onCommand(command?.name ?? 'unknown');
      if (command === undefined)
        throw new BadCommand(head.name === '' ? 'a command has a name' : `${head.name} is unknown`);
      const text = this.input.announced === null ? first : await this.input.whole(first, limit, command.leavesLiteral);
      const completion = await this.#run(command, text, head.argumentsAt);
      this.#badInARow = 0;
      this.#complete(tag, completion);
      await completion.afterwards?.();
    } catch (error) {
      this.#answerError(tag === '*' && error instanceof LineTooLong ? tagOf(error.head) : tag, error);
    }
    if (this.input.announced !== null && !(await this.input.skipRest(limit))) this.bye('[TOOBIG] That is too large');
    return true;
  }

  async #run(command: AnyCommand, text: string, argumentsAt: number): Promise<Completion> {
    this.#checkState(command);
    const reader = new CommandReader(text, argumentsAt, this.rev2);
    const args = command.syntax(reader);
    if (command.leavesLiteral === undefined) reader.end();
    const completion = await command.run(args, this);
    if (this.selected?.changed) await reportChanges(this, command.holdsRemovals ?? false);
    return completion;
  }

  #checkState({ name, states }: AnyCommand): void {
    const { state } = this;
    if (states.includes(state)) return;
    if (state === 'examined' && states.includes('selected')) {
      throw new Refused('mailbox.read-only', 'The mailbox was opened for reading only.');
    }
    if (state === 'not authenticated') throw new BadCommand(`sign in before ${name}`);
    throw new BadCommand(
      states.includes('selected') ? `select a mailbox before ${name}` : `${name} comes before signing in`,
    );
  }

  #complete(tag: string, { status, code, text }: Completion): void {
    this.write(code === null ? `${tag} ${status} ${text}\r\n` : `${tag} ${status} [${code}] ${text}\r\n`);
  }

  /** The three kinds of error (src/errors.ts), sorted. */
  #answerError(tag: string, error: unknown): void {
    const { limits, onInternalError } = this.context;
    if (error instanceof ConnectionEnded) throw error;
    if (error instanceof BadCommand) {
      const code = error instanceof CommandTooLarge || error instanceof LineTooLong ? 'TOOBIG' : null;
      this.#complete(tag, { status: 'BAD', code, text: responseText(error.message, this.rev2) });
      this.#badInARow++;
      if (this.account === null && this.#badInARow >= limits.badCommands) this.bye('That was not IMAP for too long');
    } else if (error instanceof Refused) {
      this.#complete(tag, no(responseText(error.message, this.rev2), responseCode(error)));
      if (error.code === 'auth.failed' || error.code === 'auth.not-allowed') this.#signInFailed();
    } else {
      onInternalError('an IMAP command', error);
      this.#complete(tag, no('Something went wrong in the server; it was logged', 'SERVERBUG'));
    }
  }

  #signInFailed(): void {
    if (++this.#failedSignIns >= this.context.limits.failedSignIns) this.bye('Too many failed sign-ins');
  }

  get #commandBytes(): number {
    const { commandBytes, commandBytesBeforeSignIn } = this.context.limits;
    return this.account === null ? commandBytesBeforeSignIn : commandBytes;
  }
}
