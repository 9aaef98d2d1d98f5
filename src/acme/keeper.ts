/**
 * Keeps the certificates of the settings: orders those that are missing, renews them in time, tries again what failed, and tells how it stands.
 *
 * Invariants:
 * - One order at a time; each certificate has its own waits, so that one name that fails holds up no other certificate.
 * - The state on disk is written before and after each try: a restart never shortens a wait.
 * - The certificate in use is never taken away: a failure leaves it as it is.
 */
import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { Refused } from '../errors.ts';
import { dnsNames } from '../net/certificate-names.ts';
import type { CertificateInfo, Certificates } from '../net/certificates.ts';
import type { Milliseconds } from '../store/ids.ts';
import { Authority } from './authority.ts';
import type { Challenges, ChallengeType } from './challenges.ts';
import { AcmeFailure } from './failure.ts';
import { obtain } from './order.ts';
import { LONGEST_WAIT, mayAsk, recent, renewalTime, type Validity, waitAfter, whyDue } from './schedule.ts';
import type { AcmeState, ProgressState } from './state.ts';

const LOOK_EVERY: Milliseconds = 60_000;

export interface KeeperOptions {
  readonly directory: string;
  readonly contact: readonly string[];
  readonly challenge: ChallengeType;
  /** The names of each certificate; the first one names it. */
  readonly groups: readonly (readonly string[])[];
  readonly eabKeyId: string;
  readonly eabKeyFile: string;
  readonly caFile: string;
  readonly challenges: Challenges;
  readonly certificates: Pick<Certificates, 'reload' | 'states'>;
  readonly state: AcmeState;
  readonly log: Logger;
  readonly onInternalError: () => void;
  /** For tests. */
  readonly clock?: () => Milliseconds;
}

/** How it stands with one certificate. Moments are milliseconds since 1970. */
export interface KeptState {
  readonly name: string;
  readonly names: readonly string[];
  /** When it is renewed; null: there is none yet. */
  readonly renewal: Milliseconds | null;
  /** Why the last try failed; null: it did not. */
  readonly problem: { readonly at: Milliseconds; readonly text: string } | null;
  /** When it is tried again after that. */
  readonly retryAt: Milliseconds | null;
}

/** What became of one that was asked for by hand. */
export interface Renewed {
  readonly name: string;
  readonly result: 'renewed' | 'not-due' | 'failed';
  /** Why it failed; else null. */
  readonly problem: string | null;
}

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  readonly #clock: () => Milliseconds;
  readonly #stopping = new AbortController();
  readonly #progress = new Map<string, ProgressState>();
  #timer: NodeJS.Timeout | undefined;
  /** What runs now, and all that waits for it. */
  #line: Promise<unknown> = Promise.resolve();
  #looking = false;

  private constructor(options: KeeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /** Knows how it stands; begins to work with {@link start}. */
  static async open(options: KeeperOptions): Promise<CertificateKeeper> {
    const keeper = new CertificateKeeper(options);
    for (const names of options.groups) {
      const name = names[0]!;
      keeper.#progress.set(name, await options.state.progress(name, options.directory));
    }
    return keeper;
  }

  /** Looks at once, and every minute: from when the checks of the authority can be answered. */
  start(): void {
    this.#timer = setInterval(() => this.#lookNow(), LOOK_EVERY).unref();
    this.#lookNow();
  }

  /** Orders what is due and need not wait. What fails is in {@link states} then. */
  look(): Promise<void> {
    return this.#inLine(async () => {
      for (const names of this.#options.groups) await this.#tryIfDue(names);
    });
  }

  states(): KeptState[] {
    return this.#options.groups.map((names) => {
      const name = names[0]!;
      const { problem, retryAt } = this.#progress.get(name)!;
      const current = this.#current(name);
      return {
        name,
        names,
        renewal: current === null ? null : renewalTime(current),
        problem,
        retryAt: problem === null ? null : retryAt,
      };
    });
  }

  /**
   * Orders now what is due, without regard to waits; an authority's limit is respected all the same.
   * @param only  the first name of the one that is meant; null: all
   * @param force  also what is not due
   * @throws Refused `directory.missing` when there is no such certificate, `acme.wait` when too much was refused of late
   */
  async renew(only: string | null, force: boolean, signal: AbortSignal): Promise<Renewed[]> {
    const groups = this.#options.groups.filter(([name]) => only === null || name === only);
    if (groups.length === 0)
      throw new Refused('directory.missing', `No certificate of acme.names begins with ${only}.`);
    const results: Renewed[] = [];
    for (const names of groups) {
      signal.throwIfAborted();
      results.push(await this.#inLine(() => this.#renew(names, force)));
    }
    return results;
  }

  /** Ends what runs; an order that is under way is gone on with at the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#line;
  }

  #lookNow(): void {
    if (this.#looking) return; // an order takes longer than a minute
    this.#looking = true;
    this.look()
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#options.log.error({ err: error }, 'a fault of ours while certificates were renewed');
        this.#options.onInternalError();
      })
      .finally(() => {
        this.#looking = false;
      });
  }

  #inLine<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#line.then(() => {
      this.#stopping.signal.throwIfAborted();
      return step();
    });
    this.#line = done.then(
      () => {},
      () => {}, // told to the one who asked
    );
    return done;
  }

  async #tryIfDue(names: readonly string[]): Promise<void> {
    const now = this.#clock();
    const { retryAt } = this.#progress.get(names[0]!)!;
    const waits = retryAt > now && retryAt <= now + LONGEST_WAIT;
    if (!waits && this.#whyDue(names, now) !== null) await this.#try(names);
  }

  async #renew(names: readonly string[], force: boolean): Promise<Renewed> {
    const name = names[0]!;
    const now = this.#clock();
    if (!force && this.#whyDue(names, now) === null) return { name, result: 'not-due', problem: null };
    const from = mayAsk(this.#progress.get(name)!.refusals, now);
    if (from > now) {
      throw new Refused(
        'acme.wait',
        `The authority refused ${name} ${recent(this.#progress.get(name)!.refusals, now).length} times in the last hour: more would make it refuse for longer. Try again after ${new Date(from).toISOString()}.`,
      );
    }
    const problem = await this.#try(names);
    return { name, result: problem === null ? 'renewed' : 'failed', problem };
  }

  /** @returns why it failed; null: the certificate is there */
  async #try(names: readonly string[]): Promise<string | null> {
    const { log } = this.#options;
    const name = names[0]!;
    try {
      await this.#order(names);
    } catch (error) {
      this.#stopping.signal.throwIfAborted();
      const failure = error instanceof AcmeFailure ? error : null;
      await this.#failed(name, failure, error);
      if (failure === null) this.#options.onInternalError();
      log.error(
        { certificate: name, err: error, again: new Date(this.#progress.get(name)!.retryAt).toISOString() },
        'no new certificate; the one in use stays, and it is tried again',
      );
      return failure?.message ?? 'A fault of ours: the log says more.';
    }
    log.info({ certificate: name, names }, 'a new certificate came');
    return null;
  }

  async #order(names: readonly string[]): Promise<void> {
    const { directory, contact, challenge, challenges, state } = this.#options;
    const { signal } = this.#stopping;
    const authority = await Authority.open({ directory, contact, ...(await this.#files()), state, signal });
    try {
      const name = names[0]!;
      const progress = this.#progress.get(name)!;
      const keep = (next: ProgressState) => this.#keep(name, next);
      await obtain({ names, challenge, challenges, authority, state, progress, keep, signal, now: this.#clock });
    } finally {
      authority.close();
    }
    await this.#options.certificates.reload();
    const still = this.#whyDue(names, this.#clock());
    if (still === 'missing' || still === 'names')
      throw new AcmeFailure(
        'refused',
        `The certificate that came can't be used: see ${state.files(names[0]!).certificate}.`,
      );
  }

  /** Read each time: what was wrong in them may have been set right. @throws AcmeFailure when they can't be read */
  async #files(): Promise<Pick<Parameters<typeof Authority.open>[0], 'binding' | 'ca'>> {
    const { eabKeyId, eabKeyFile, caFile } = this.#options;
    const hmacKey = eabKeyFile === '' ? '' : (await textOf(eabKeyFile)).trim();
    return {
      binding: eabKeyId === '' ? null : { kid: eabKeyId, hmacKey },
      ca: caFile === '' ? null : await textOf(caFile),
    };
  }

  async #failed(name: string, failure: AcmeFailure | null, error: unknown): Promise<void> {
    const now = this.#clock();
    const before = this.#progress.get(name)!;
    const kind = failure?.kind ?? 'refused';
    const failures = before.failures + 1;
    const wait = waitAfter(kind, failures, failure?.retryAfter ?? null, Math.random());
    const refusals = recent(before.refusals, now);
    const progress: ProgressState = {
      ...before,
      failures,
      refusals: kind === 'unreachable' ? refusals : [...refusals, now],
      retryAt: now + wait,
      problem: { at: now, text: failure?.message ?? String(error) },
    };
    await this.#keep(name, progress);
  }

  /** Counts here even if it can't be written. */
  async #keep(name: string, progress: ProgressState): Promise<void> {
    this.#progress.set(name, progress);
    await this.#options.state.keepProgress(name, progress);
  }

  #whyDue(names: readonly string[], now: Milliseconds): ReturnType<typeof whyDue> {
    const name = names[0]!;
    return whyDue(names, this.#current(name), this.#progress.get(name)!.issued, now);
  }

  /** The certificate that is there, as far as it can be used. */
  #current(name: string): Validity | null {
    const { certificate } = this.#options.state.files(name);
    const found = this.#options.certificates.states().find(({ files }) => files.certificate === certificate);
    return found?.info == null ? null : validity(found.info);
  }
}

function validity({ names, fingerprint, validFrom, validTo }: CertificateInfo): Validity {
  return { names: dnsNames(names), fingerprint, validFrom: validFrom.getTime(), validTo: validTo.getTime() };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new AcmeFailure('unreachable', `${file} can't be read (${code}).`, { cause: error });
  }
}
