/**
 * How a name is shown to be ours: by a text under a name on port 80 (HTTP-01), or by a certificate of its own for one ALPN protocol on
 * port 443 (TLS-ALPN-01). What is offered here is answered by the services http and https, while an order is checked.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Authorization } from 'acme-client';
import { acmeLibrary } from './transport.ts';

export type ChallengeType = 'http-01' | 'tls-alpn-01';

/** RFC 8737 6.2. */
const ACME_TLS = 'acme-tls/1';

/** Tokens and their answers (RFC 8555 8.3). */
export class HttpChallenges {
  readonly #answers = new Map<string, string>();

  /** How many are waited for. */
  get size(): number {
    return this.#answers.size;
  }

  /** The key authorization for a token; undefined when none is waited for. */
  answer(token: string): string | undefined {
    return this.#answers.get(token);
  }

  /** @returns what ends the offer */
  offer(token: string, keyAuthorization: string): () => void {
    this.#answers.set(token, keyAuthorization);
    return () => this.#answers.delete(token);
  }
}

/** Certificates that answer a check over TLS, by the name they are for. For {@link AlpnOptions} of net/certificates.ts. */
export class TlsAlpnChallenges {
  readonly protocol = ACME_TLS;
  readonly #contexts = new Map<string, SecureContext>();

  /** How many checks are waited for. */
  get size(): number {
    return this.#contexts.size;
  }

  find(serverName: string): SecureContext | undefined {
    return this.#contexts.get(serverName.toLowerCase());
  }

  /** @returns what ends the offer */
  async offer(authorization: Authorization, keyAuthorization: string): Promise<() => void> {
    const { crypto } = await acmeLibrary();
    const key = await crypto.createPrivateEcdsaKey('P-256');
    const [, cert] = await crypto.createAlpnCertificate(authorization, keyAuthorization, key); // RFC 8737 3
    const name = authorization.identifier.value.toLowerCase();
    const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    this.#contexts.set(name, context);
    return () => {
      if (this.#contexts.get(name) === context) this.#contexts.delete(name);
    };
  }
}

/** Both kinds; the settings say which is used. */
export interface Challenges {
  readonly http: HttpChallenges;
  readonly tls: TlsAlpnChallenges;
}
