/**
 * Signing in: the one way for every protocol and mechanism.
 *
 * Invariants
 * - A name that nobody has, a suspended account and a wrong password take the same path: the same throttling, the same Argon2 (or the
 *   same HMACs for SCRAM), the same questions to the directory in which others live, the same answer; with app passwords and without.
 * - While an attempt is delayed nothing is computed for it.
 * - Neither passwords nor the names of strangers reach the log: people type the one into the field of the other.
 */
import { randomBytes } from 'node:crypto';
import { refusal } from '../directory/access/refusal.ts';
import { SERVICE_TITLES } from '../directory/access/settings.ts';
import { canonicalName } from '../directory/address.ts';
import { PASSWORD_ID } from '../directory/credentials.ts';
import type { Account, Credential, SignInDirectory, SignInProtocol, SignInRecord } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { type Milliseconds, nowSeconds } from '../store/ids.ts';
import { appPasswordLetters, matchingAppPassword, SCRAM_KEYS_LIMIT } from './app-password.ts';
import { checkToken } from './check-token.ts';
import type { Checked, Verdict } from './checked.ts';
import type { Claim, Mechanism, Verification } from './mechanism.ts';
import { MECHANISMS } from './mechanisms.ts';
import type { OutsidePasswords } from './outside.ts';
import { isOurs, PASSWORD_LIMIT, UNMATCHABLE_HASH, verifyPassword } from './password.ts';
import { type ScramKeys, type ScramParameters, SHA256_BYTES, scramParametersFor } from './scram-keys.ts';
import { type Attempt, Throttle } from './throttle.ts';
import { TokenRefused, type TokenVerifier } from './token.ts';
import type { Authenticator, Peer, SaslExchange, SignedIn } from './types.ts';
import { type Fingerprint, VerifiedPasswords } from './verified.ts';

/**
 * How a sign-in ended. `suspended` and `throttled` are told to the client as `wrong`; `not-allowed` was right, but the access policy has this
 * closed to the account, or the app password is for other protocols.
 */
export type SignInResult = 'ok' | 'wrong' | 'suspended' | 'not-allowed' | 'throttled' | 'unavailable';

/** For the log and the counters: no secrets. */
export interface SignInReport {
  readonly result: SignInResult;
  readonly protocol: Peer['protocol'];
  /** A SASL mechanism, or `password` for LOGIN and USER/PASS. */
  readonly mechanism: string;
  readonly address: string;
  /** Absent when nobody has the name. */
  readonly account?: string;
  /** Which app password it was: what the person calls the device; or the program that a token is of. Absent for the password. */
  readonly credential?: string;
  /** What is wrong with a token; or why somebody who was right may not come in. */
  readonly reason?: string;
  /** SCRAM can't be right: of the account's password only another server's hash is known. A sign-in by PLAIN or LOGIN mends it. */
  readonly needsPlain?: true;
  /** How long the throttle held it back. */
  readonly delay: Milliseconds;
  /** The password was checked lately, and so cost nothing now. */
  readonly remembered: boolean;
}

export interface AuthenticatorOptions {
  readonly directory: SignInDirectory;
  /** Checks tokens of the OpenID provider; without it no mechanism that takes one is offered. */
  readonly tokens?: TokenVerifier | undefined;
  readonly throttle?: Throttle;
  readonly verified?: VerifiedPasswords;
  /** Where people live who do not live here. SCRAM is offered to nobody then: it needs keys of the password, and one list is for all. */
  readonly outside?: OutsidePasswords | undefined;
  /** Hears of every sign-in that was checked or refused. */
  readonly report?: (report: SignInReport) => void;
}

/** Somebody or nobody, in one shape. */
interface Subject {
  /** Equal for all ways to write the name. */
  readonly key: string;
  /** The directory's generation that it is of. */
  readonly asOf: number;
  /** Null: nobody has the name. */
  readonly record: SignInRecord | null;
  readonly password: Credential;
  readonly apps: readonly Credential[];
  readonly scram: ScramParameters;
}

/** What was right is in `credential`, whatever the result. */
interface Outcome extends Checked {
  readonly result: SignInResult;
  readonly delay: Milliseconds;
  /** Why it is not `ok`, where the client may know. */
  readonly cause?: unknown;
}

type Check = (subject: Subject) => Verdict | Promise<Verdict>;

/** What no password and no proof fits, as costly to check as a real one: the password of nobody. */
const UNMATCHABLE: Credential = {
  id: 0,
  kind: 'password',
  label: '',
  protocols: null,
  hash: UNMATCHABLE_HASH,
  scram: [{ storedKey: randomBytes(SHA256_BYTES), serverKey: randomBytes(SHA256_BYTES) }],
};

/** The password of somebody who lives elsewhere: there is nothing of it here that a later one could be checked against. */
const ELSEWHERE: Credential = { ...UNMATCHABLE, id: PASSWORD_ID };

export class PasswordAuthenticator implements Authenticator {
  readonly #directory: SignInDirectory;
  readonly #tokens: TokenVerifier | undefined;
  readonly #throttle: Throttle;
  readonly #verified: VerifiedPasswords;
  readonly #outside: OutsidePasswords | undefined;
  readonly #report: (report: SignInReport) => void;
  /** Checks that run now: a mail program that opens five connections at once has its password checked once. */
  readonly #running = new Map<string, Promise<Outcome>>();

  constructor(options: AuthenticatorOptions) {
    this.#directory = options.directory;
    this.#tokens = options.tokens;
    this.#throttle = options.throttle ?? new Throttle();
    this.#verified = options.verified ?? new VerifiedPasswords();
    this.#outside = options.outside;
    this.#report = options.report ?? (() => {});
  }

  mechanisms(peer: Peer): readonly string[] {
    if (!peer.mayUsePassword) return [];
    return MECHANISMS.filter((mechanism) => this.#offers(mechanism, peer)).map((mechanism) => mechanism.name);
  }

  sasl(name: string, peer: Peer): SaslExchange {
    const upper = name.toUpperCase(); // RFC 4422 3.1: upper case; clients are not all so strict
    const mechanism = MECHANISMS.find((one) => one.name === upper);
    if (mechanism !== undefined) requireSafety(peer);
    if (mechanism === undefined || !this.#offers(mechanism, peer)) {
      throw new Refused('auth.mechanism', 'This way to sign in is not offered here.');
    }
    return mechanism.start(peer, this.#verification(peer, mechanism.name));
  }

  async password(name: string, password: string, peer: Peer): Promise<SignedIn> {
    requireSafety(peer);
    return this.#checkPassword({ name, authzid: '' }, password, peer, 'password');
  }

  #offers({ name, byToken, offered }: Mechanism, peer: Peer): boolean {
    if (byToken === true && this.#tokens === undefined) return false;
    return offered(peer) && (this.#outside === undefined || !name.startsWith('SCRAM'));
  }

  #verification(peer: Peer, mechanism: string): Verification {
    return {
      password: (claim, password) => this.#checkPassword(claim, password, peer, mechanism),
      scramParameters: async (name) => (await this.#subject(name)).scram,
      scramProof: async (claim, proves) => {
        const subject = await this.#subject(claim.name);
        const check: Check = (now) => ({ credential: proven(now, proves), remembered: false });
        return this.#conclude(claim, peer, mechanism, await this.#attempt(claim.name, subject, peer, check));
      },
      token: (claim, token) => this.#checkToken(claim, token, peer, mechanism),
    };
  }

  async #checkToken({ name }: Claim, token: string, peer: Peer, mechanism: string): Promise<SignedIn> {
    const tokens = this.#tokens!; // or the mechanism would not have been offered
    const named = name === '' ? null : await this.#directory.ownerRecord(name);
    const attempt = this.#throttle.tokenAttempt(named?.account.name ?? canonicalName(name), peer.address);
    const outcome = await this.#throttled(attempt, { record: named, asOf: this.#directory.generation }, peer, () =>
      checkToken(tokens, this.#directory, name, token),
    );
    try {
      return this.#conclude(NOBODY_ELSE, peer, mechanism, outcome);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'auth.failed') throw error;
      throw new TokenRefused(outcome.token?.status ?? 'invalid_token', tokens.help);
    }
  }

  async #checkPassword(claim: Claim, password: string, peer: Peer, mechanism: string): Promise<SignedIn> {
    const subject = await this.#subject(claim.name);
    const fingerprint = this.#verified.fingerprint(subject.key, password);
    const flight = `${fingerprint}${peer.protocol} ${peer.tls === undefined ? 'plain' : 'tls'} ${peer.address}`;
    let running = this.#running.get(flight);
    if (running === undefined) {
      const check: Check = (now) => this.#compare(claim.name, now, password, fingerprint);
      running = this.#attempt(claim.name, subject, peer, check)
        .then((outcome) => this.#renewed(outcome, password))
        .finally(() => this.#running.delete(flight));
      this.#running.set(flight, running);
    }
    return this.#conclude(claim, peer, mechanism, await running);
  }

  async #subject(name: string): Promise<Subject> {
    const asOf = this.#directory.generation;
    const record = await this.#directory.signInRecord(name);
    const key = record?.account.name ?? canonicalName(name);
    return {
      key,
      asOf,
      record,
      password: record?.credentials.find(({ kind }) => kind === 'password') ?? UNMATCHABLE,
      apps: record?.credentials.filter(({ kind }) => kind === 'app') ?? [],
      scram: record?.scram ?? scramParametersFor(this.#directory.secret, key),
    };
  }

  /** App passwords first: they cost nothing to try, so a device that has one signs in at once. */
  async #compare(
    name: string,
    { record, password: own, apps, scram }: Subject,
    password: string,
    fingerprint: Fingerprint,
  ): Promise<Verdict> {
    const letters = appPasswordLetters(password);
    const app = letters === null ? null : matchingAppPassword(apps, letters, scram.salt);
    if (app !== null) return { credential: app, remembered: false };
    const known = this.#verified.recall(fingerprint, own.hash);
    if (known !== undefined) return { credential: known ? own : null, remembered: true };
    if (this.#outside?.isRecent(record, fingerprint)) return { credential: ELSEWHERE, remembered: true };
    if (Buffer.byteLength(password) > PASSWORD_LIMIT) return { credential: null, remembered: false };
    if (await verifyPassword(own.hash, password)) {
      this.#verified.rememberRight(fingerprint, own.hash);
      return { credential: own, remembered: false };
    }
    // After the Argon2 that is for nothing with those who live there, so that all names cost it.
    const there = await this.#outside?.check(name, record, password, fingerprint);
    if (there) return { credential: ELSEWHERE, ...there };
    this.#verified.rememberWrong(fingerprint, own.hash);
    return { credential: null, remembered: false };
  }

  /** A password that came as another server's hash, or without SCRAM keys, is hashed by us as soon as we see it. */
  async #renewed(outcome: Outcome, password: string): Promise<Outcome> {
    const { result, record, credential } = outcome;
    if (result !== 'ok' || record === null || credential === null || credential.kind === 'app') return outcome;
    if (!isOurs(credential.hash) || credential.scram.length === 0) {
      await this.#directory.renewPassword(record, credential, password);
    }
    return outcome;
  }

  /** One throttled check of a password or a proof. */
  #attempt(name: string, subject: Subject, peer: Peer, check: Check): Promise<Outcome> {
    const attempt = this.#throttle.attempt(subject.key, peer.address);
    return this.#throttled(attempt, subject, peer, async (delayed) => {
      const now = delayed ? await this.#subject(name) : subject; // much may have changed meanwhile
      return { record: now.record, asOf: now.asOf, ...(await check(now)) };
    });
  }

  /** Rejects only with what is our own fault. @param known  who it seems to be, while nothing was checked */
  async #throttled(
    attempt: Attempt,
    known: Pick<Checked, 'record' | 'asOf'>,
    peer: Peer,
    check: (delayed: boolean) => Promise<Checked>,
  ): Promise<Outcome> {
    const { delay } = attempt;
    const { record, asOf } = known;
    const nothing = { record, asOf, credential: null, remembered: false };
    try {
      if (delay > 0 && !(await attempt.wait())) {
        attempt.withdrawn();
        return { result: 'throttled', ...nothing, delay: 0 };
      }
      const checked = await check(delay > 0);
      const { credential, remembered, token } = checked;
      if (credential === null) {
        if (remembered || token?.isNoGuess === true) attempt.withdrawn();
        else attempt.failed();
        return { result: 'wrong', ...checked, delay };
      }
      const entry = mayEnter(checked.record, credential, peer);
      if (entry.result === 'ok') attempt.succeeded();
      else attempt.withdrawn();
      return { ...checked, ...entry, delay };
    } catch (cause) {
      attempt.withdrawn();
      if (!(cause instanceof Refused)) throw cause;
      return { result: 'unavailable', ...nothing, delay, cause };
    }
  }

  #conclude(claim: Claim, peer: Peer, mechanism: string, outcome: Outcome): SignedIn {
    const { record, credential, delay, remembered, cause } = outcome;
    const { protocol, address } = peer;
    const right = outcome.result === 'ok' || outcome.result === 'not-allowed';
    const result = right && (record === null || !isOwn(claim, record.account)) ? 'wrong' : outcome.result;
    this.#report({ result, protocol, mechanism, address, delay, remembered, ...known(outcome, mechanism) });
    if (record !== null && credential !== null) {
      const { account, access } = record;
      const { id, kind, label, protocols } = credential;
      if (result === 'ok') {
        const at = nowSeconds();
        if (kind !== 'oauth') this.#directory.used({ account: account.id, credential: id, at, protocol, address });
        const confirm = () => this.#confirm(claim, peer, mechanism, { ...outcome, remembered: true });
        return { account, credential: { id, kind, label, protocols }, access, mechanism, confirm };
      }
    }
    if (result === 'not-allowed' || result === 'unavailable') throw cause;
    throw new Refused('auth.failed', 'The name or the password is wrong.');
  }

  /** See {@link SignedIn.confirm}. */
  #confirm(claim: Claim, peer: Peer, mechanism: string, outcome: Outcome): void | Promise<void> {
    if (outcome.asOf === this.#directory.generation) return;
    return this.#confirmAnew(claim, peer, mechanism, outcome);
  }

  /** The password was right; may who knew it still come in? What is told, and to whom, is as at any sign-in. */
  async #confirmAnew(claim: Claim, peer: Peer, mechanism: string, outcome: Outcome): Promise<void> {
    const { account } = outcome.record!;
    const now = await this.#directory.signInRecord(account.name);
    const record = now?.account.id === account.id ? now : null;
    const used = outcome.credential!;
    const isElsewhere = used === ELSEWHERE && record?.outside === outcome.record!.outside;
    const isThere =
      used.kind === 'oauth' || isElsewhere || record?.credentials.some(({ id }) => id === used.id) === true;
    const credential = record !== null && isThere ? used : null;
    const entry = credential === null ? { result: 'wrong' as const } : mayEnter(record, credential, peer);
    if (entry.result !== 'ok') this.#conclude(claim, peer, mechanism, { ...outcome, ...entry, record, credential });
  }
}

/** Whom a token signs in is decided already. */
const NOBODY_ELSE: Claim = { name: '', authzid: '' };

/** The credential whose keys a SCRAM proof fits. A proof that fits none is tried on as many keys as an account may have, whoever it is. */
function proven({ password, apps }: Subject, proves: (keys: ScramKeys) => boolean): Credential | null {
  let tried = 0;
  for (const credential of [password, ...apps]) {
    for (const keys of credential.scram) {
      if (proves(keys)) return credential;
      tried++;
    }
  }
  for (; tried < SCRAM_KEYS_LIMIT; tried++) proves(UNMATCHABLE.scram[0]!);
  return null;
}

/** What becomes of somebody whose password was right. */
function mayEnter(record: SignInRecord | null, credential: Credential, peer: Peer): Pick<Outcome, 'result' | 'cause'> {
  if (record?.account.state !== 'active') return { result: 'suspended' };
  const cause = notOpen(record, credential, peer);
  return cause === null ? { result: 'ok' } : { result: 'not-allowed', cause };
}

/** Why they may not come in with it here; null: they may. The policy goes first: where it closes a service, no other app password helps. */
function notOpen({ access }: SignInRecord, credential: Credential, peer: Peer): Refused | null {
  const { protocol, address, mayUsePassword, tls } = peer;
  const secure = tls !== undefined;
  const local = mayUsePassword && !secure;
  const refused = refusal(access, { service: protocol, address, credential: credential.kind, secure, local });
  if (refused !== null) return refused;
  return isFor(credential, peer) ? null : new Refused('auth.not-allowed', notFor(credential, protocol));
}

/** Every mail program may ask with what it has how it is set up; the page itself turns app passwords away. */
function isFor({ protocols }: Credential, { protocol }: Peer): boolean {
  return protocols === null || protocol === 'settings' || protocols.includes(protocol);
}

function notFor({ protocols }: Credential, protocol: SignInProtocol): string {
  const names = protocols?.map((name) => SERVICE_TITLES[name]).join(' and ');
  return `This app password is for ${names} only, not for ${SERVICE_TITLES[protocol]}. Ask your administrator for another one.`;
}

/** What a report may tell of who it was. */
function known({ result, record, credential, token, cause }: Outcome, mechanism: string): Partial<SignInReport> {
  const why = token?.reason ?? (result === 'not-allowed' && cause instanceof Refused ? cause.message : undefined);
  const reason = why === undefined ? {} : { reason: why };
  if (record === null) return reason;
  const keyless = record.credentials.some(({ kind, scram }) => kind === 'password' && scram.length === 0);
  return {
    account: record.account.name,
    ...reason,
    ...(credential !== null && credential.kind !== 'password' ? { credential: credential.label } : {}),
    ...(keyless && credential === null && mechanism.startsWith('SCRAM') ? { needsPlain: true } : {}),
  };
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
