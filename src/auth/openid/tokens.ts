/** Checks tokens against the one OpenID provider that is configured. */
import { hash } from 'node:crypto';
import { Lru } from '../../lru.ts';
import type { Milliseconds } from '../../store/ids.ts';
import type { TokenFacts, TokenHelp, TokenVerdict, TokenVerifier } from '../token.ts';
import { factsOf, TokenWrong } from './claims.ts';
import { isJwt, verifyJwt } from './jwt.ts';
import { askAbout } from './opaque.ts';
import { OpenIdProvider, type ProviderOptions } from './provider.ts';
import type { OpenIdSettings } from './settings.ts';

/** What the provider said of a token holds so long: for the connections that a mail program opens together. A revocation waits for it. */
const ASKED_FOR: Milliseconds = 30_000;
/** A device repeats an old token until somebody signs it in anew: its tries are one. */
const WRONG_FOR: Milliseconds = 10 * 60_000;
const CAPACITY = 10_000;

interface Asked {
  readonly facts: TokenFacts;
  readonly until: Milliseconds;
}

export class OpenIdTokens implements TokenVerifier {
  readonly help: TokenHelp;
  readonly #settings: OpenIdSettings;
  readonly #provider: OpenIdProvider;
  readonly #clock: () => Milliseconds;
  /** By the SHA-256 of the token: tokens are not kept. */
  readonly #asked = new Lru<string, Asked>(CAPACITY);
  readonly #wrong = new Lru<string, Milliseconds>(CAPACITY);

  constructor(options: ProviderOptions) {
    this.#settings = options.settings;
    this.#provider = new OpenIdProvider(options);
    this.#clock = options.clock ?? (() => performance.now());
    this.help = { configurationUrl: this.#provider.configurationUrl, scope: options.settings.scope };
  }

  /** Asks the provider for its keys. Failing is no harm: it is asked again when they are needed. */
  prepare(): Promise<void> {
    return this.#provider.prepare();
  }

  async verify(token: string): Promise<TokenVerdict> {
    const id = hash('sha256', token, 'base64');
    try {
      return isJwt(token) ? await this.#read(token) : { kind: 'valid', ...(await this.#ask(token, id)) };
    } catch (error) {
      if (!(error instanceof TokenWrong)) throw error;
      const remembered = (this.#wrong.get(id) ?? 0) > this.#clock();
      if (!remembered) this.#wrong.set(id, this.#clock() + WRONG_FOR);
      return { kind: 'wrong', status: error.status, reason: error.message, remembered };
    }
  }

  async #read(token: string): Promise<TokenVerdict> {
    const { claims, expired } = await verifyJwt(token, this.#provider, this.#settings);
    return { kind: expired ? 'expired' : 'valid', ...factsOf(claims, this.#settings) };
  }

  async #ask(token: string, id: string): Promise<TokenFacts> {
    const asked = this.#asked.get(id);
    if (asked !== undefined && asked.until > this.#clock()) return asked.facts;
    const answer = await askAbout(token, this.#provider, this.#settings);
    const facts = factsOf(answer, this.#settings);
    const left = answer.exp === undefined ? ASKED_FOR : answer.exp * 1_000 - Date.now();
    this.#asked.set(id, { facts, until: this.#clock() + Math.min(ASKED_FOR, left) });
    return facts;
  }
}
