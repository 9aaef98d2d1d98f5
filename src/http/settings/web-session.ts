/** Somebody who is signed in on the settings page with one browser. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SignedOut } from '../../net/farewell.ts';
import { nextSessionId, type OpenSession, type SessionCredential } from '../../net/sessions.ts';
import type { AccountId, EpochSeconds, Milliseconds } from '../../store/ids.ts';
import type { Grant } from './grant.ts';

const TOKEN_BYTES = 32;
/** What a browser says of itself is for people to recognise it by. */
const CLIENT_LENGTH = 300;

/** Who begins a session, and from where. */
export interface Beginning {
  readonly grant: Grant;
  readonly credential: SessionCredential;
  readonly address: string;
  readonly local: boolean;
  readonly client: string;
}

export class WebSession implements OpenSession {
  readonly id: number = nextSessionId();
  readonly protocol = 'settings';
  readonly port = null;
  readonly secure = true;
  readonly grant: Grant;
  readonly account: AccountId;
  readonly credential: SessionCredential;
  readonly address: string;
  readonly local: boolean;
  readonly client: string;
  readonly begun: Milliseconds;
  /** Goes with every form of the session. */
  readonly csrf: string = randomBytes(TOKEN_BYTES).toString('base64url');
  /** Told on the next page, once. */
  notice: string | null = null;
  /** When its last request began. */
  seen: Milliseconds;
  readonly #forget: () => void;
  #ended = false;
  /** Requests that are being answered. */
  #underWay = 0;
  #quiet: (() => void)[] = [];

  /** @param forget  takes it out of those that requests find */
  constructor({ grant, credential, address, local, client }: Beginning, now: Milliseconds, forget: () => void) {
    this.grant = grant;
    this.account = grant.account;
    this.credential = credential;
    this.address = address;
    this.local = local;
    this.client = client.slice(0, CLIENT_LENGTH);
    this.begun = now;
    this.seen = now;
    this.#forget = forget;
  }

  get since(): EpochSeconds {
    return Math.floor(this.begun / 1_000);
  }

  /** Nothing may be done in its name any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Runs a request of the session; who ends it waits for that. */
  async during<T>(request: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await request();
    } finally {
      if (--this.#underWay === 0) for (const resolve of this.#quiet.splice(0)) resolve();
    }
  }

  /** Ends it at once. Requests under way are not waited for. */
  end(): void {
    this.#ended = true;
    this.#forget();
  }

  signOut(_why: SignedOut): Promise<void> {
    this.end();
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.push(resolve));
  }

  /** Is this the token of its forms? Takes as long for every guess. */
  isToken(text: string): boolean {
    return timingSafeEqual(hash(this.csrf), hash(text));
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
