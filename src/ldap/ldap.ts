/**
 * The LDAP directory in which people live, as the server uses it: read at the start, then every so often; asked when somebody signs in, or when
 * mail comes for somebody who is not known yet.
 *
 * The server starts and runs without it, too: see passwords.ts and resolver.ts for what goes on meanwhile.
 */
import type { Logger } from 'pino';
import type { VerifiedPasswords } from '../auth/verified.ts';
import { formatAddress } from '../directory/address.ts';
import type { Directory } from '../directory/directory.ts';
import { requireAddress } from '../directory/rules.ts';
import { Refused } from '../errors.ts';
import { type Milliseconds, nowSeconds } from '../store/ids.ts';
import { type CheckReport, checkLdap } from './check.ts';
import { isPerson, type LdapPerson } from './entry.ts';
import { LdapPasswords } from './passwords.ts';
import { LdapReader } from './reader.ts';
import { LdapResolver } from './resolver.ts';
import { LdapServers } from './servers.ts';
import { type LdapSettings, placeOf } from './settings.ts';
import { type RefreshOptions, type RefreshReport, Synchroniser } from './synchroniser.ts';
import { LdapUnavailable } from './trouble.ts';

/** A refresh that failed is tried again after this time. */
const RETRY_AFTER: Milliseconds = 60_000;

export interface LdapState {
  readonly place: string;
  readonly domains: readonly string[];
  /** False while its servers do not answer. */
  readonly up: boolean;
  /** Why not. */
  readonly trouble: string | null;
  /** The last refresh that went well, since the server runs; `at` in seconds since 1970. */
  readonly refreshed: (RefreshReport & { readonly at: number }) | null;
  /** Why the last one failed, if it did. */
  readonly failure: string | null;
}

export interface LdapOptions {
  readonly settings: LdapSettings;
  readonly directory: Directory;
  readonly verified: VerifiedPasswords;
  readonly log: Logger;
  readonly onInternalError: () => void;
}

export class Ldap {
  readonly passwords: LdapPasswords;
  readonly resolver: LdapResolver;
  readonly #options: LdapOptions;
  readonly #servers: LdapServers;
  readonly #reader: LdapReader;
  readonly #synchroniser: Synchroniser;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<RefreshReport> | undefined;
  #refreshed: LdapState['refreshed'] = null;
  #failure: string | null = null;

  constructor(options: LdapOptions) {
    const { settings, directory, log } = options;
    this.#options = options;
    this.#servers = new LdapServers(settings, (trouble) => {
      if (trouble === null) log.info('LDAP answers again');
      else log.warn({ trouble }, 'LDAP does not answer: see rainmail ldap check');
    });
    this.#reader = new LdapReader(settings, this.#servers);
    this.#synchroniser = new Synchroniser(settings, this.#reader, directory);
    this.passwords = new LdapPasswords({ settings, reader: this.#reader, directory });
    this.resolver = new LdapResolver(directory, this.#reader, settings.domains);
  }

  /** Reads everything, now and from time to time. */
  start(): void {
    this.#look();
  }

  state(): LdapState {
    const { settings } = this.#options;
    return {
      place: placeOf(settings),
      domains: [...settings.domains],
      up: this.#servers.trouble === null,
      trouble: this.#servers.trouble,
      refreshed: this.#refreshed,
      failure: this.#failure,
    };
  }

  /**
   * Brings the directory here up to date, at once. Passwords that were wrong are asked about again from now on.
   * @throws LdapUnavailable; Refused `ldap.many`
   */
  async refresh(options: RefreshOptions): Promise<RefreshReport> {
    await this.#running?.catch(() => {}); // told where it was begun
    this.#servers.forgetTrouble();
    this.resolver.forget();
    this.#options.verified.forgetWrong();
    return this.#refresh({ ...options, signal: AbortSignal.any([options.signal, this.#stopping.signal]) });
  }

  /**
   * Accounts made here become those of the people in LDAP who have their address; a password that was set here is void then.
   * @param names  addresses; null: all there are
   * @returns the addresses @throws LdapUnavailable; Refused `directory.missing` when somebody is not there, or has no account here
   */
  async adopt(actor: string, names: readonly string[] | null): Promise<string[]> {
    const { directory } = this.#options;
    const people = new Map<string, LdapPerson>();
    for (const one of (await this.#reader.everything()).people) {
      if (isPerson(one)) people.set(one.person.addresses[0], one);
    }
    const adopted: string[] = [];
    for (const name of names ?? (await this.#madeHere(people))) {
      const found = people.get(formatAddress(requireAddress(name)));
      if (found === undefined) {
        throw new Refused(
          'directory.missing',
          `Nobody in LDAP has the address ${name}. See who does: rainmail ldap check`,
        );
      }
      adopted.push((await directory.outside.adopt(actor, found.person)).name);
    }
    return adopted;
  }

  async #madeHere(people: ReadonlyMap<string, LdapPerson>): Promise<string[]> {
    const { directory } = this.#options;
    const known = new Set<string>();
    for await (const { name, sourceState } of directory.outside.people()) if (sourceState !== 'gone') known.add(name);
    const names: string[] = [];
    for await (const { name } of directory.accounts()) if (people.has(name) && !known.has(name)) names.push(name);
    return names;
  }

  check(name: string | null): Promise<CheckReport> {
    return checkLdap(this.#options.settings, name, this.#options.directory);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#running?.catch(() => {}); // told where it was begun
    await this.#reader.close();
  }

  /** Never rejects. */
  #look(): void {
    const again = (after: Milliseconds) => {
      if (!this.#stopping.signal.aborted) this.#timer = setTimeout(() => this.#look(), after).unref();
    };
    const { settings, log, onInternalError } = this.#options;
    this.#refresh({ suspendMany: false, signal: this.#stopping.signal }).then(
      () => again(settings.refresh),
      (error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        if (!(error instanceof Refused)) {
          onInternalError();
          log.error({ err: error }, 'reading LDAP failed by a fault of ours');
        } else if (!(error instanceof LdapUnavailable)) log.error({ reason: error.message }, 'LDAP was not taken over');
        again(Math.min(settings.refresh, RETRY_AFTER));
      },
    );
  }

  /** One at a time: who comes while one runs waits for that one. */
  #refresh(options: RefreshOptions): Promise<RefreshReport> {
    this.#running ??= this.#synchronise(options).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #synchronise(options: RefreshOptions): Promise<RefreshReport> {
    const { log } = this.#options;
    const started = performance.now();
    try {
      const report = await this.#synchroniser.refresh(options);
      this.#refreshed = { ...report, at: nowSeconds() };
      this.#failure = null;
      const { problems, ...counts } = report;
      log.info({ ...counts, milliseconds: Math.round(performance.now() - started) }, 'read LDAP');
      if (problems.length > 0) log.warn({ problems: problems.slice(0, 10) }, 'not all of LDAP could be taken over');
      return report;
    } catch (error) {
      this.#failure = error instanceof Refused ? error.message : 'by a fault of the server: see its log';
      throw error;
    }
  }
}
