/** SASL PLAIN (RFC 4616): name and password in one message, as safe as the connection under it. */
import { isUtf8 } from 'node:buffer';
import { BadCommand } from '../errors.ts';
import type { Claim, Mechanism, Verification } from './mechanism.ts';
import type { SaslExchange, SaslStep } from './types.ts';

export const plain: Mechanism = {
  name: 'PLAIN',
  offered: () => true,
  start: (_peer, verification) => new PlainExchange(verification),
};

/** RFC 4616 2 lets each field have 255 characters; in bytes, with room. */
const MESSAGE_LIMIT = 4_096;

class PlainExchange implements SaslExchange {
  readonly #verification: Verification;

  constructor(verification: Verification) {
    this.#verification = verification;
  }

  async respond(response: Buffer | null): Promise<SaslStep> {
    if (response === null) return { done: false, challenge: Buffer.alloc(0) };
    const { claim, password } = parsePlain(response);
    return { done: true, signedIn: await this.#verification.password(claim, password), data: null };
  }
}

/** Reads `[authzid] NUL authcid NUL passwd` (RFC 4616 2). */
export function parsePlain(message: Buffer): { claim: Claim; password: string } {
  if (message.length > MESSAGE_LIMIT) throw new BadCommand('the PLAIN message is too long');
  if (!isUtf8(message)) throw new BadCommand('a PLAIN message is UTF-8');
  const fields = message.toString().split('\0');
  const [authzid, name, password] = fields;
  if (fields.length !== 3 || authzid === undefined || !name || password === undefined) {
    throw new BadCommand('a PLAIN message holds three fields between two NULs, and a name');
  }
  return { claim: { name, authzid }, password };
}
