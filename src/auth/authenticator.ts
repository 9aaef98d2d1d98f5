/**
 * Signing in: the one way for every protocol and mechanism.
 *
 * Invariants
 * - A name that nobody has, a suspended account and a wrong password take the same path: the same throttling, the same Argon2 (or the
 *   same HMACs for SCRAM), the same answer.
 * - While an attempt is delayed nothing is computed for it.
 * - Neither passwords nor the names of strangers reach the log: people type the one into the field of the other.
 */
import { randomBytes } from 'node:crypto';
import { canonicalName } from '../directory/address.ts';
import type { Account, SignInDirectory } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { Claim, Verification } from './mechanism.ts';
import { MECHANISMS } from './mechanisms.ts';
import { PASSWORD_LIMIT, UNMATCHABLE_HASH, verifyPassword } from './password.ts';
import { fakeScramParameters, type ScramKeys, type ScramParameters, SHA256_BYTES } from './scram-keys.ts';
import { Throttle } from './throttle.ts';
import type { Authenticator, Peer, SaslExchange, SignedIn } from './types.ts';
import { type Fingerprint, VerifiedPasswords } from './verified.ts';

/** How a sign-in ended. `suspended` and `throttled` are told to the client as `wrong`. */
export type SignInResult = 'ok' | 'wrong' | 'suspended' | 'throttled' | 'unavailable';

/** For the log and the counters: no secrets. */
export interface SignInReport {
  readonly result: SignInResult;
  readonly protocol: Peer['protocol'];
  /** A SASL mechanism, or `password` for LOGIN and USER/PASS. */
  readonly mechanism: string;
  readonly address: string;
  /** Absent when nobody has the name. */
  readonly account?: string;
  /** How long the throttle held it back. */
  readonly delay: Milliseconds;
  /** The password was checked lately, and so cost nothing now. */
  readonly remembered: boolean;
}

export interface AuthenticatorOptions {
  readonly directory: SignInDirectory;
  readonly throttle?: Throttle;
  readonly verified?: VerifiedPasswords;
  /** Hears of every sign-in that was checked or refused. */
  readonly report?: (report: SignInReport) => void;
}

/** Somebody or nobody, in one shape. */
interface Subject {
  /** Equal for all ways to write the name. */
  readonly key: string;
  readonly account: Account | null;
  readonly hashes: readonly string[];
  readonly scram: ScramParameters & { readonly keys: readonly ScramKeys[] };
}

interface Outcome {
  readonly result: SignInResult;
  readonly account: Account | null;
  readonly delay: Milliseconds;
  readonly remembered: boolean;
  readonly cause?: unknown;
}

interface Verdict {
  readonly right: boolean;
  /** Known from before: what is wrong again is no new guess. */
  readonly remembered: boolean;
}

type Check = (subject: Subject) => Verdict | Promise<Verdict>;

const NO_MATCH: readonly string[] = [UNMATCHABLE_HASH];
const NO_KEYS: readonly ScramKeys[] = [{ storedKey: randomBytes(SHA256_BYTES), serverKey: randomBytes(SHA256_BYTES) }];

export class PasswordAuthenticator implements Authenticator {
  readonly #directory: SignInDirectory;
  readonly #throttle: Throttle;
  readonly #verified: VerifiedPasswords;
  readonly #report: (report: SignInReport) => void;
  /** Checks that run now: a mail program that opens five connections at once has its password checked once. */
  readonly #running = new Map<string, Promise<Outcome>>();

  constructor(options: AuthenticatorOptions) {
    this.#directory = options.directory;
    this.#throttle = options.throttle ?? new Throttle();
    this.#verified = options.verified ?? new VerifiedPasswords();
    this.#report = options.report ?? (() => {});
  }

  mechanisms(peer: Peer): readonly string[] {
    if (!peer.mayUsePassword) return [];
    return MECHANISMS.filter((mechanism) => mechanism.offered(peer)).map((mechanism) => mechanism.name);
  }

  sasl(name: string, peer: Peer): SaslExchange {
    const upper = name.toUpperCase(); // RFC 4422 3.1: upper case; clients are not all so strict
    const mechanism = MECHANISMS.find((one) => one.name === upper);
    if (mechanism !== undefined) requireSafety(peer);
    if (mechanism === undefined || !mechanism.offered(peer)) {
      throw new Refused('auth.mechanism', 'This way to sign in is not offered here.');
    }
    return mechanism.start(peer, this.#verification(peer, mechanism.name));
  }

  async password(name: string, password: string, peer: Peer): Promise<SignedIn> {
    requireSafety(peer);
    return this.#checkPassword({ name, authzid: '' }, password, peer, 'password');
  }

  #verification(peer: Peer, mechanism: string): Verification {
    return {
      password: (claim, password) => this.#checkPassword(claim, password, peer, mechanism),
      scramParameters: async (name) => (await this.#subject(name)).scram,
      scramProof: async (claim, proves) => {
        const subject = await this.#subject(claim.name);
        const check: Check = ({ scram }) => ({ right: scram.keys.some(proves), remembered: false });
        return this.#conclude(claim, peer, mechanism, await this.#attempt(claim.name, subject, peer, check));
      },
    };
  }

  async #checkPassword(claim: Claim, password: string, peer: Peer, mechanism: string): Promise<SignedIn> {
    const subject = await this.#subject(claim.name);
    const fingerprint = this.#verified.fingerprint(subject.key, password);
    const flight = fingerprint + peer.address;
    let running = this.#running.get(flight);
    if (running === undefined) {
      const check: Check = (now) => this.#compare(now, password, fingerprint);
      running = this.#attempt(claim.name, subject, peer, check).finally(() => this.#running.delete(flight));
      this.#running.set(flight, running);
    }
    return this.#conclude(claim, peer, mechanism, await running);
  }

  async #subject(name: string): Promise<Subject> {
    const record = await this.#directory.signInRecord(name);
    const key = record?.account.name ?? canonicalName(name);
    return {
      key,
      account: record?.account ?? null,
      hashes: record === null || record.hashes.length === 0 ? NO_MATCH : record.hashes,
      scram: record?.scram ?? { ...fakeScramParameters(this.#directory.secret, key), keys: NO_KEYS },
    };
  }

  /** An account with several credentials takes longer to say no: all of them are tried. */
  async #compare({ hashes }: Subject, password: string, fingerprint: Fingerprint): Promise<Verdict> {
    const known = this.#verified.recall(fingerprint, hashes);
    if (known !== undefined) return { right: known, remembered: true };
    if (Buffer.byteLength(password) > PASSWORD_LIMIT) return { right: false, remembered: false };
    for (const hash of hashes) {
      if (await verifyPassword(hash, password)) {
        this.#verified.rememberRight(fingerprint, hash);
        return { right: true, remembered: false };
      }
    }
    this.#verified.rememberWrong(fingerprint, hashes);
    return { right: false, remembered: false };
  }

  /** One throttled check. Rejects only with what is our own fault. */
  async #attempt(name: string, subject: Subject, peer: Peer, check: Check): Promise<Outcome> {
    const attempt = this.#throttle.attempt(subject.key, peer.address);
    const { delay } = attempt;
    let { account } = subject;
    try {
      let now = subject;
      if (delay > 0) {
        if (!(await attempt.wait())) {
          attempt.withdrawn();
          return { result: 'throttled', account, delay: 0, remembered: false };
        }
        now = await this.#subject(name); // much may have changed meanwhile
        account = now.account;
      }
      const { right, remembered } = await check(now);
      if (right && account?.state === 'active') {
        attempt.succeeded();
        return { result: 'ok', account, delay, remembered };
      }
      if (right || remembered) attempt.withdrawn();
      else attempt.failed();
      return { result: right ? 'suspended' : 'wrong', account, delay, remembered };
    } catch (cause) {
      attempt.withdrawn();
      if (!(cause instanceof Refused)) throw cause;
      return { result: 'unavailable', account, delay, remembered: false, cause };
    }
  }

  #conclude(claim: Claim, { protocol, address }: Peer, mechanism: string, outcome: Outcome): SignedIn {
    const { account, delay, remembered } = outcome;
    const allowed = outcome.result !== 'ok' || (account !== null && isOwn(claim, account));
    const result = allowed ? outcome.result : 'wrong';
    const known = account === null ? {} : { account: account.name };
    this.#report({ result, protocol, mechanism, address, delay, remembered, ...known });
    if (result === 'ok' && account !== null) return { account, mechanism };
    if (result === 'unavailable') throw outcome.cause;
    throw new Refused('auth.failed', 'The name or the password is wrong.');
  }
}

/** RFC 4616 2, RFC 5802 5.1: nobody acts as somebody else here. */
function isOwn({ name, authzid }: Claim, account: Account): boolean {
  return authzid === '' || authzid === name || canonicalName(authzid) === account.name;
}

function requireSafety(peer: Peer): void {
  if (!peer.mayUsePassword) {
    throw new Refused('auth.tls-required', 'Turn on TLS first: passwords do not cross the network in the clear.');
  }
}
