/** A command of POP3. */
import type { Response } from './responses.ts';
import type { Pop3Session } from './session.ts';

/** RFC 1939 3: before sign-in, and after. */
export type State = 'authorization' | 'transaction';

export interface Pop3Command {
  readonly name: string;
  readonly states: readonly State[];
  /** It has no arguments: any is a mistake (RFC 1939 3). */
  readonly bare?: true;
  /** @param args what follows the name and a space @throws BadCommand, Refused: told as -ERR */
  run(session: Pop3Session, args: string): Response | Promise<Response>;
}
