/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802, RFC 7677). The password never crosses the wire, and the client
 * learns that we know it, too. With -PLUS the exchange is tied to this TLS connection: nobody can sit between.
 *
 * Any failure ends the exchange with the protocol's own refusal; `server-error-value` (RFC 5802 7) would tell a guesser more than
 * a client needs.
 */
import { randomBytes } from 'node:crypto';
import { BadCommand } from '../errors.ts';
import { channelBinding } from './channel-binding.ts';
import type { Mechanism, Verification } from './mechanism.ts';
import { provesClientKey, type ScramKeys, serverSignature } from './scram-keys.ts';
import { type BindingFlag, type ClientFirst, parseClientFinal, parseClientFirst } from './scram-messages.ts';
import type { Peer, SaslExchange, SaslStep } from './types.ts';

export const scramSha256: Mechanism = {
  name: 'SCRAM-SHA-256',
  offered: () => true,
  start: (peer, verification) => new ScramExchange(peer, verification, { plus: false }),
};

export const scramSha256Plus: Mechanism = {
  name: 'SCRAM-SHA-256-PLUS',
  offered: (peer) => peer.tls !== undefined,
  start: (peer, verification) => new ScramExchange(peer, verification, { plus: true }),
};

const NO_BINDING = Buffer.alloc(0);

/** 144 random bits without a comma (RFC 5802 5.1). */
function randomNonce(): string {
  return randomBytes(18).toString('base64');
}

export class ScramExchange implements SaslExchange {
  readonly #peer: Peer;
  readonly #verification: Verification;
  readonly #plus: boolean;
  readonly #newNonce: () => string;
  #state: 'first' | 'final' | 'over' = 'first';
  #clientFirst!: ClientFirst;
  #binding!: Buffer;
  #nonce!: string;
  #serverFirst!: string;

  /** @param options.nonce  the server's part of the nonce; only the vectors of the RFC need to choose it */
  constructor(
    peer: Peer,
    verification: Verification,
    options: { readonly plus: boolean; readonly nonce?: () => string },
  ) {
    this.#peer = peer;
    this.#verification = verification;
    this.#plus = options.plus;
    this.#newNonce = options.nonce ?? randomNonce;
  }

  async respond(response: Buffer | null): Promise<SaslStep> {
    const state = this.#state;
    if (state === 'first' && response === null) return { done: false, challenge: NO_BINDING }; // the client speaks first
    this.#state = 'over'; // unless this step ends well
    if (state === 'over' || response === null) throw new BadCommand('the SASL exchange is over');
    return state === 'first' ? this.#first(response) : this.#final(response);
  }

  async #first(response: Buffer): Promise<SaslStep> {
    const message = parseClientFirst(response);
    this.#binding = this.#bindingData(message.binding);
    const { salt, iterations } = await this.#verification.scramParameters(message.name);
    this.#clientFirst = message;
    this.#nonce = message.nonce + this.#newNonce();
    this.#serverFirst = `r=${this.#nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
    this.#state = 'final';
    return { done: false, challenge: Buffer.from(this.#serverFirst) };
  }

  async #final(response: Buffer): Promise<SaslStep> {
    const message = parseClientFinal(response);
    const { gs2Header, bare, name, authzid } = this.#clientFirst;
    // RFC 5802 6: the repeated header shows that nobody changed the flag on its way, the data that both ends hold the same TLS connection.
    const bound = message.binding.equals(Buffer.concat([Buffer.from(gs2Header), this.#binding]));
    const authMessage = `${bare},${this.#serverFirst},${message.withoutProof}`;
    let provenBy: ScramKeys | undefined;
    const signedIn = await this.#verification.scramProof({ name, authzid }, (keys) => {
      if (!provesClientKey(keys, authMessage, message.proof) || !bound || message.nonce !== this.#nonce) return false;
      provenBy = keys;
      return true;
    });
    if (provenBy === undefined) throw new Error('a SCRAM sign-in succeeded without a proof');
    const data = Buffer.from(`v=${serverSignature(provenBy, authMessage).toString('base64')}`);
    return { done: true, signedIn, data };
  }

  /** RFC 5802 6: what the client's flag allows, and the data both ends must hold. */
  #bindingData(binding: BindingFlag): Buffer {
    if (!this.#plus) {
      if (binding.flag === 'p') throw new BadCommand('channel binding needs SCRAM-SHA-256-PLUS');
      // The client could bind and believes that we can't, though we offered it: somebody took the offer out of our list.
      if (binding.flag === 'y' && scramSha256Plus.offered(this.#peer)) {
        throw new BadCommand(
          'SCRAM-SHA-256-PLUS was offered on this connection, but not seen: somebody may be listening',
        );
      }
      return NO_BINDING;
    }
    if (binding.flag !== 'p') throw new BadCommand('SCRAM-SHA-256-PLUS needs channel binding');
    const data = this.#peer.tls === undefined ? null : channelBinding(this.#peer.tls, binding.type);
    if (data === null) throw new BadCommand(`channel binding "${binding.type}" can't be used on this connection`);
    return data;
  }
}
