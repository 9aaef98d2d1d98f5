/** What checking a sign-in came to, before it is decided whether they may come in. */
import type { Credential, SignInRecord } from '../directory/types.ts';
import type { TokenStatus } from './token.ts';

export interface Verdict {
  /** Null: the password was wrong. */
  readonly credential: Credential | null;
  /** Known from before: what is wrong again is no new guess. */
  readonly remembered: boolean;
  /** Whose it is, and of which generation that is, where it showed only when it was checked: somebody who lives elsewhere. */
  readonly record?: SignInRecord | null;
  readonly asOf?: number;
}

/** A verdict, and on whom. */
export interface Checked extends Verdict {
  /** Null: nobody has the name. */
  readonly record: SignInRecord | null;
  /** The directory's generation that the record is of. */
  readonly asOf: number;
  /** Of a token that is wrong. */
  readonly token?: TokenTrouble;
}

export interface TokenTrouble {
  readonly status: TokenStatus;
  /** For the log. */
  readonly reason: string;
  /** Nobody gets such a token by guessing. */
  readonly isNoGuess: boolean;
}
