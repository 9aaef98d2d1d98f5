/**
 * The OpenID provider: its keys, and what it says of tokens that can't be read here.
 *
 * Invariants
 * - What is known of it (its metadata and its keys) is fetched whole or not at all, and fetched by one at a time: not more often than
 *   {@link ASK_AGAIN_AFTER}, whatever tokens come. A key that it withdrew is not used for longer than {@link REFRESH_EVERY} while it answers.
 * - When it does not answer, what is known holds as long as the settings say; after that, and before anything is known, sign-ins by token are
 *   `auth.unavailable`. Nobody waits for it at the start of the server.
 */
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  type IntrospectionResponse,
  None,
  tokenIntrospection,
} from 'openid-client';
import { Refused } from '../../errors.ts';
import { Gate } from '../../gate.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { type Fetch, providerFetch } from './request.ts';
import type { OpenIdSettings } from './settings.ts';

const REFRESH_EVERY: Milliseconds = 10 * 60_000;
/** After a try, whatever became of it. */
const ASK_AGAIN_AFTER: Milliseconds = 10_000;
/** Questions about single tokens: at a time, and waiting. */
const QUESTIONS = 8;
const WAITING = 100;

interface Known {
  readonly configuration: Configuration;
  readonly keys: JWTVerifyGetKey;
  readonly at: Milliseconds;
}

export interface ProviderOptions {
  readonly settings: OpenIdSettings;
  /** Hears why the provider could not be asked. */
  readonly onTrouble: (error: unknown) => void;
  /** Monotonic. */
  readonly clock?: () => Milliseconds;
}

export class OpenIdProvider {
  readonly #settings: OpenIdSettings;
  readonly #onTrouble: (error: unknown) => void;
  readonly #clock: () => Milliseconds;
  readonly #fetch: Fetch;
  readonly #questions = new Gate(QUESTIONS, WAITING);
  #known: Known | null = null;
  #asking: Promise<void> | null = null;
  #askedAt: Milliseconds = Number.NEGATIVE_INFINITY;
  /** The last try failed. */
  #isDown = false;

  constructor({ settings, onTrouble, clock }: ProviderOptions) {
    this.#settings = settings;
    this.#onTrouble = onTrouble;
    this.#clock = clock ?? (() => performance.now());
    this.#fetch = providerFetch(settings.authority);
  }

  /** Where clients find out about the provider (RFC 7628 3.2.2). */
  get configurationUrl(): string {
    return `${this.#settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`; // OpenID Connect Discovery 4
  }

  /** Asks for keys, so that the first to sign in need not wait. Failing is no harm. */
  prepare(): Promise<void> {
    return this.#ask();
  }

  /** The key a token names, as jose asks for it. @throws Refused `auth.unavailable`; JWKSNoMatchingKey */
  readonly key: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#current();
    try {
      return await known.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // It may be new: providers sign with a new key as soon as they publish it.
      if (!this.#mayAsk) throw unavailable(error);
      await this.#ask();
      if (this.#isDown) throw unavailable(error);
      return (await this.#current()).keys(header, token);
    }
  };

  /** What the provider says of a token (RFC 7662). @throws Refused `auth.unavailable` */
  async introspect(token: string): Promise<IntrospectionResponse> {
    const { configuration } = await this.#current();
    if (this.#questions.full) throw unavailable(new Error('too many tokens are being asked about'));
    try {
      return await this.#questions.run(() =>
        tokenIntrospection(configuration, token, { token_type_hint: 'access_token' }),
      );
    } catch (error) {
      this.#onTrouble(error);
      throw unavailable(error);
    }
  }

  get #mayAsk(): boolean {
    return this.#asking !== null || this.#clock() - this.#askedAt >= ASK_AGAIN_AFTER;
  }

  async #current(): Promise<Known> {
    if (!this.#isGood() && this.#mayAsk) await this.#ask();
    const known = this.#known;
    if (known === null || !this.#isGood()) throw unavailable(new Error('nothing is known of the provider'));
    // Nobody waits for what is only a renewal.
    if (this.#clock() - known.at >= REFRESH_EVERY && this.#mayAsk) void this.#ask();
    return known;
  }

  #isGood(): boolean {
    return this.#known !== null && this.#clock() - this.#known.at < this.#settings.keysFor;
  }

  /** Never rejects: what is known stays when nothing new can be had. */
  #ask(): Promise<void> {
    this.#asking ??= this.#fetchAll()
      .then(
        (known) => {
          this.#known = known;
          this.#isDown = false;
        },
        (error: unknown) => {
          this.#isDown = true;
          this.#onTrouble(error);
        },
      )
      .finally(() => {
        this.#asking = null;
        this.#askedAt = this.#clock();
      });
    return this.#asking;
  }

  async #fetchAll(): Promise<Known> {
    const { issuer, client } = this.#settings;
    const auth = client === null ? None() : byMethod(client.secret);
    const configuration = await discovery(new URL(issuer), client?.id ?? 'rainmail', undefined, auth, {
      [customFetch]: this.#fetch,
      execute: [allowInsecureRequests], // request.ts is stricter: on this machine only
    });
    const metadata = configuration.serverMetadata();
    if (metadata.jwks_uri === undefined) throw new Error('the provider publishes no keys');
    const response = await this.#fetch(metadata.jwks_uri, { method: 'GET', headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`the provider answers ${response.status} where its keys should be`);
    const keys = createLocalJWKSet((await response.json()) as Parameters<typeof createLocalJWKSet>[0]);
    return { configuration, keys, at: this.#clock() };
  }
}

/** Shows the secret in the way the provider takes it: by HTTP's Basic, unless it says that it doesn't (RFC 8414 2). */
function byMethod(secret: string): ClientAuth {
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, ...rest) => {
    const { introspection_endpoint_auth_methods_supported: own, token_endpoint_auth_methods_supported: all } = server;
    const methods = own ?? all ?? ['client_secret_basic'];
    (methods.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

function unavailable(cause: unknown): Refused {
  return new Refused('auth.unavailable', 'Signing in can not be checked now; please try again in a few minutes.', {
    cause,
  });
}
