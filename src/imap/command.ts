/** What a command is: one object in one file of src/imap/commands. Syntax is pure; `run` never parses. */
import type { ImapSession } from './session.ts';
import type { CommandReader } from './syntax/reader.ts';

/** Where a session stands (RFC 9051 3); `examined` is the selected state of a mailbox opened read-only. */
export type State = 'not authenticated' | 'authenticated' | 'selected' | 'examined';

export const anyState: readonly State[] = ['not authenticated', 'authenticated', 'selected', 'examined'];
export const beforeSignIn: readonly State[] = ['not authenticated'];
export const signedIn: readonly State[] = ['authenticated', 'selected', 'examined'];
export const selected: readonly State[] = ['selected', 'examined'];
/** In a mailbox opened by EXAMINE these are refused with NO. */
export const selectedReadWrite: readonly State[] = ['selected'];

export interface Command<Args = void> {
  /** Upper case, as the client gives it: `FETCH`, `UID FETCH`. */
  readonly name: string;
  readonly states: readonly State[];
  /**
   * The command counts messages by sequence number, so the client must not hear of removals while it is in progress
   * (RFC 9051 7.5.1: FETCH, STORE, SEARCH; not their UID forms).
   */
  readonly holdsRemovals?: boolean;
  /** The arguments, from the space after the name. The end of the command is checked by the caller. @throws BadCommand */
  syntax(reader: CommandReader): Args;
  /**
   * True when the literal that `text` (the command so far) announces at its end is left to `run`, which then finds it in
   * `session.input.announced`: the messages of APPEND, which are streamed.
   */
  leavesLiteral?(text: string): boolean;
  /** @throws BadCommand (answered BAD), Refused (NO); any other error is our own fault: NO [SERVERBUG] */
  run(args: Args, session: ImapSession): Promise<Completion> | Completion;
}

/** The end of a command: its tagged response. */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Response code without its brackets, or null. */
  readonly code: string | null;
  readonly text: string;
  /** What happens once the response is written: the TLS handshake of STARTTLS. */
  readonly afterwards?: () => Promise<void>;
}

/** @param code response code without its brackets: `READ-WRITE`, `COPYUID 1 2 3` */
export function ok(text: string, code: string | null = null): Completion {
  return { status: 'OK', code, text };
}

export function no(text: string, code: string | null = null): Completion {
  return { status: 'NO', code, text };
}

/** A command of any arguments, as the table of commands holds it. */
export type AnyCommand = Command<unknown>;
