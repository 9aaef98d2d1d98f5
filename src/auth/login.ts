/** SASL LOGIN (draft-murchison-sasl-login): PLAIN in two questions, for the mail programs that know nothing else. */
import { isUtf8 } from 'node:buffer';
import { BadCommand } from '../errors.ts';
import type { Mechanism, Verification } from './mechanism.ts';
import type { SaslExchange, SaslStep } from './types.ts';

export const login: Mechanism = {
  name: 'LOGIN',
  offered: () => true,
  start: (_peer, verification) => new LoginExchange(verification),
};

const ANSWER_LIMIT = 1_024;

class LoginExchange implements SaslExchange {
  readonly #verification: Verification;
  #name: string | undefined;
  #over = false;

  constructor(verification: Verification) {
    this.#verification = verification;
  }

  async respond(response: Buffer | null): Promise<SaslStep> {
    if (this.#over) throw new BadCommand('the SASL exchange is over');
    if (response === null) return { done: false, challenge: Buffer.from('Username:') };
    const answer = decode(response);
    if (this.#name === undefined) {
      if (answer === '') throw new BadCommand('a name is needed');
      this.#name = answer;
      return { done: false, challenge: Buffer.from('Password:') };
    }
    this.#over = true;
    const signedIn = await this.#verification.password({ name: this.#name, authzid: '' }, answer);
    return { done: true, signedIn, data: null };
  }
}

function decode(response: Buffer): string {
  if (response.length > ANSWER_LIMIT) throw new BadCommand('the answer is too long');
  if (!isUtf8(response) || response.includes(0)) throw new BadCommand('an answer is UTF-8 without NUL');
  return response.toString();
}
