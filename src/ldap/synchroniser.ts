/**
 * Brings the directory here up to date with LDAP.
 *
 * Invariants
 * - Everything is read before anything is changed: an answer that breaks off changes nothing.
 * - Who is missing is suspended, never removed; and when that would be too many at once, nothing at all is changed: an empty answer is
 *   no mass removal.
 * - Changes are made in small transactions, with the loop free between them.
 */
import type { Directory } from '../directory/directory.ts';
import type { KnownGroup } from '../directory/outside/groups.ts';
import type { KnownPerson } from '../directory/outside/people.ts';
import type { Named } from '../directory/outside/types.ts';
import { Refused } from '../errors.ts';
import { comparableDn } from './dn.ts';
import { isPerson, type LdapGroup, type LdapPerson, type NoPerson } from './entry.ts';
import type { Everything, LdapReader } from './reader.ts';
import { type LdapSettings, placeOf } from './settings.ts';

/** People a transaction: a new one has an account with its mailboxes. */
const PEOPLE_A_CHUNK = 20;
const GROUPS_A_CHUNK = 50;
const MEMBERS_A_CHUNK = 100;
/** Problems that are told one by one. */
const PROBLEMS_LIMIT = 200;

export interface RefreshReport {
  /** Who lives there and has an account here. */
  readonly people: number;
  readonly groups: number;
  readonly added: number;
  readonly updated: number;
  /** Suspended, being gone or disabled there. */
  readonly suspended: number;
  /** What could not be taken over; the first {@link PROBLEMS_LIMIT}. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export interface RefreshOptions {
  /** However many are to be suspended. */
  readonly suspendMany: boolean;
  readonly signal: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
}

export class Synchroniser {
  readonly #settings: LdapSettings;
  readonly #reader: LdapReader;
  readonly #directory: Directory;

  constructor(settings: LdapSettings, reader: LdapReader, directory: Directory) {
    this.#settings = settings;
    this.#reader = reader;
    this.#directory = directory;
  }

  /** @throws LdapUnavailable; Refused `ldap.many`; AbortError when it is stopped, with what was taken over kept */
  async refresh(options: RefreshOptions): Promise<RefreshReport> {
    const everything = await this.#reader.everything();
    const known = new Map<string, KnownPerson>();
    for await (const person of this.#directory.outside.people()) known.set(person.externalId, person);
    return new Refresh(this.#settings, this.#directory, everything, known, options).run();
  }
}

/** One refresh. */
class Refresh {
  readonly #settings: LdapSettings;
  readonly #directory: Directory;
  readonly #everything: Everything;
  readonly #known: ReadonlyMap<string, KnownPerson>;
  readonly #options: RefreshOptions;
  readonly #problems: string[] = [];
  #problemCount = 0;
  #added = 0;
  #updated = 0;
  #suspended = 0;
  /** Those who were taken over, by their external ids. */
  readonly #taken = new Map<string, Named>();

  constructor(
    settings: LdapSettings,
    directory: Directory,
    everything: Everything,
    known: ReadonlyMap<string, KnownPerson>,
    options: RefreshOptions,
  ) {
    this.#settings = settings;
    this.#directory = directory;
    this.#everything = everything;
    this.#known = known;
    this.#options = options;
  }

  async run(): Promise<RefreshReport> {
    const everything = this.#everything;
    const people = everything.people.filter(isPerson);
    const missing = this.#missing(people);
    this.#requireFew(people, missing);
    for (const one of everything.people) this.#tellNoPerson(one);
    await this.#directory.outside.begin(placeOf(this.#settings), [...this.#settings.domains]);
    await this.#takePeople(people);
    await this.#suspend(missing);
    if (this.#settings.groups !== null) await this.#takeGroups(people);
    return {
      people: this.#taken.size,
      groups: everything.groups.length,
      added: this.#added,
      updated: this.#updated,
      suspended: this.#suspended,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  /** Who was there, and is not any more. */
  #missing(people: readonly LdapPerson[]): KnownPerson[] {
    const there = new Set(people.map(({ person }) => person.externalId));
    return [...this.#known.values()].filter(
      ({ externalId, sourceState }) => sourceState !== 'gone' && !there.has(externalId),
    );
  }

  /** @throws Refused `ldap.many` */
  #requireFew(people: readonly LdapPerson[], missing: readonly KnownPerson[]): void {
    const known = [...this.#known.values()].filter(({ sourceState }) => sourceState === 'active');
    const disabled = people.filter(
      ({ person }) => !person.active && this.#known.get(person.externalId)?.sourceState === 'active',
    );
    const suspended = disabled.length + missing.filter(({ sourceState }) => sourceState === 'active').length;
    const { suspendAtMost } = this.#settings;
    const most = Math.max(1, Math.floor((known.length * suspendAtMost) / 100));
    const isEmpty = people.length === 0 && suspended > 0;
    if (this.#options.suspendMany || !(isEmpty || suspended > most)) return;
    throw new Refused(
      'ldap.many',
      `LDAP answers with ${people.length} people, so ${suspended} of ${known.length} would be suspended here; at once it may be ${most} (ldap.suspendAtMost). Nothing is changed. If that is right: rainmail ldap refresh --suspend-many`,
    );
  }

  async #takePeople(people: readonly LdapPerson[]): Promise<void> {
    // Who was disabled before they ever came gets no account.
    const wanted = people.filter(({ person }) => person.active || this.#known.has(person.externalId));
    const outside = this.#directory.outside;
    let done = 0;
    for (const chunk of chunks(wanted, PEOPLE_A_CHUNK)) {
      this.#options.signal.throwIfAborted();
      const outcomes = await outside.takePeople(chunk.map(({ person }) => person));
      for (const [index, outcome] of outcomes.entries()) {
        const { dn, person } = chunk[index]!;
        if ('problem' in outcome) {
          this.#problem(dn, outcome.problem);
          const known = this.#known.get(person.externalId);
          if (known !== undefined) this.#taken.set(person.externalId, known);
          continue;
        }
        const { account, name, change, state, problems } = outcome.taken;
        this.#taken.set(person.externalId, { account, name });
        if (change === 'added') this.#added++;
        else if (change === 'updated') this.#updated++;
        if (state === 'suspended') this.#suspended++;
        for (const problem of problems) this.#problem(dn, problem);
      }
      done += chunk.length;
      this.#options.progress?.(done, wanted.length);
    }
  }

  async #suspend(missing: readonly KnownPerson[]): Promise<void> {
    for (const chunk of chunks(missing, PEOPLE_A_CHUNK)) {
      this.#options.signal.throwIfAborted();
      const gone = await this.#directory.outside.markGone(chunk.map(({ externalId }) => externalId));
      this.#suspended += gone.filter(({ state }) => state === 'suspended').length;
    }
  }

  async #takeGroups(people: readonly LdapPerson[]): Promise<void> {
    const { groups } = this.#everything;
    const known = await Array.fromAsync(this.#directory.outside.groups());
    if (groups.length === 0 && known.length > 0 && !this.#options.suspendMany) {
      this.#problem(this.#settings.base, 'there are no groups any more. Those that are known are left as they are.');
      return;
    }
    const members = this.#members(people);
    const there = new Set<string>();
    for (const chunk of chunks(groups, GROUPS_A_CHUNK)) {
      this.#options.signal.throwIfAborted();
      const outcomes = await this.#directory.outside.takeGroups(chunk.map(({ group }) => group));
      for (const [index, outcome] of outcomes.entries()) {
        const group = chunk[index]!;
        there.add(group.group.externalId);
        if ('problem' in outcome) this.#problem(group.dn, outcome.problem);
        else await this.#setMembers(outcome.taken, members(group));
      }
    }
    for (const group of known) {
      if (there.has(group.externalId)) continue;
      await this.#setMembers(group, new Map());
      await this.#directory.outside.markGroupGone(group);
    }
  }

  /** Finds the members of a group, by account. */
  #members(people: readonly LdapPerson[]): (group: LdapGroup) => Map<number, Named> {
    const { by } = this.#settings.membership;
    const found = new Map<string, Named[]>();
    for (const { dn, person, groups, uids } of people) {
      const taken = this.#taken.get(person.externalId);
      if (taken === undefined) continue;
      const keys = by === 'dn' ? [comparableDn(dn)] : by === 'uid' ? uids.map(lower) : groups.map(comparableDn);
      for (const key of keys) {
        const others = found.get(key);
        if (others === undefined) found.set(key, [taken]);
        else others.push(taken);
      }
    }
    return ({ dn, members }) => {
      const keys = by === 'person' ? [comparableDn(dn)] : by === 'dn' ? members.map(comparableDn) : members.map(lower);
      return new Map(keys.flatMap((key) => found.get(key) ?? []).map((one) => [one.account, one]));
    };
  }

  async #setMembers(group: KnownGroup, wanted: ReadonlyMap<number, Named>): Promise<void> {
    const there = await Array.fromAsync(this.#directory.outside.members(group.id));
    const ids = new Set<number>(there.map(({ account }) => account));
    const change = async (some: { readonly join: readonly Named[]; readonly leave: readonly Named[] }) => {
      this.#options.signal.throwIfAborted();
      const address = await this.#directory.outside.changeMembers(group, some);
      if (address !== null)
        this.#problem(group.name, `has too many members now for mail to ${address}, which is nobody's.`);
    };
    for (const join of chunks(
      [...wanted.values()].filter(({ account }) => !ids.has(account)),
      MEMBERS_A_CHUNK,
    )) {
      await change({ join, leave: [] });
    }
    for (const leave of chunks(
      there.filter(({ account }) => !wanted.has(account)),
      MEMBERS_A_CHUNK,
    )) {
      await change({ join: [], leave });
    }
  }

  #tellNoPerson(one: LdapPerson | NoPerson): void {
    if (!isPerson(one) && one.problem !== null) this.#problem(one.dn, one.problem);
  }

  #problem(who: string, text: string): void {
    this.#problemCount++;
    if (this.#problems.length < PROBLEMS_LIMIT) this.#problems.push(`${who}: ${text}`);
  }
}

function lower(text: string): string {
  return text.toLowerCase();
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}
