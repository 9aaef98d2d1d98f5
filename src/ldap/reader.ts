/**
 * Reads people and groups from LDAP, and checks passwords there.
 *
 * Invariants
 * - What strangers type goes into filters as values of their own (RFC 4511 4.5.1.7), never as text that is parsed: there is nothing to escape.
 * - Referrals are not followed: whoever could write one could send our passwords elsewhere.
 * - An empty password is never sent: servers take that for a sign-in without a name, and say yes (RFC 4513 5.1.2).
 */
import { randomUUID } from 'node:crypto';
import {
  AndFilter,
  type Entry,
  EqualityFilter,
  type Filter,
  NoSuchObjectError,
  NotFilter,
  OrFilter,
  type SearchOptions,
} from 'ldapts';
import { PASSWORD_LIMIT } from '../auth/password.ts';
import { Pace } from '../pace.ts';
import {
  groupAttributes,
  groupOf,
  idOf,
  isBinary,
  isPerson,
  type LdapGroup,
  type LdapPerson,
  type NoPerson,
  personAttributes,
  personOf,
} from './entry.ts';
import { LdapPool } from './pool.ts';
import type { LdapServers } from './servers.ts';
import type { LdapSettings } from './settings.ts';
import { asUnavailable, isNotRight, LdapUnavailable } from './trouble.ts';

const PAGE = 500;
/** People, or groups, that are read at most: what is read is held in memory until it is taken over. */
const MOST_ENTRIES = 200_000;
/** Groups of a new person that are looked at before the next refresh. */
const MOST_GROUPS = 50;
/** Spellings of one address that are looked for: it, and without its details. */
const MOST_NAMES = 5;

/** Everything that was read in one go. */
export interface Everything {
  readonly people: readonly (LdapPerson | NoPerson)[];
  readonly groups: readonly LdapGroup[];
  /** Places elsewhere that the servers pointed to, and where nobody looked. */
  readonly referrals: number;
}

interface Found {
  readonly entries: Entry[];
  readonly referrals: number;
}

export class LdapReader {
  readonly #settings: LdapSettings;
  readonly #reading: LdapPool;
  readonly #checking: LdapPool;

  constructor(settings: LdapSettings, servers: LdapServers) {
    this.#settings = settings;
    const { connections } = settings;
    this.#reading = new LdapPool({ servers, connections, signedIn: true });
    this.#checking = new LdapPool({ servers, connections, signedIn: false });
  }

  /** Everybody, with who may not sign in, and all groups. @throws LdapUnavailable when any of it can't be read */
  async everything(): Promise<Everything> {
    try {
      return await this.#everything();
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  async #everything(): Promise<Everything> {
    const { people, disabled, groups, attributes } = this.#settings;
    const found = await this.#all(people, personAttributes(this.#settings));
    const out = disabled === null ? [] : (await this.#all(both(people, disabled), [attributes.id])).entries;
    const shut = new Set(out.map((entry) => idOf(entry, attributes.id)?.text));
    const there =
      groups === null ? { entries: [], referrals: 0 } : await this.#all(groups, groupAttributes(this.#settings));
    const read: (LdapPerson | NoPerson)[] = [];
    const pace = new Pace();
    for (const entry of found.entries) {
      read.push(personOf(entry, this.#settings, !shut.has(idOf(entry, attributes.id)?.text)));
      await pace.pause();
    }
    return {
      people: read,
      groups: there.entries.map((entry) => groupOf(entry, this.#settings)).filter((group) => group !== null),
      referrals: found.referrals + there.referrals,
    };
  }

  /** Who may sign in and has one of these addresses, in canonical form; the first that is found counts. Null: nobody, or two. */
  async personAt(names: readonly string[]): Promise<LdapPerson | null> {
    const { address, aliases } = this.#settings.attributes;
    const wanted = names.slice(0, MOST_NAMES);
    const filters = wanted.flatMap((value) => [
      new EqualityFilter({ attribute: address, value }),
      ...(aliases === ''
        ? []
        : [value, `smtp:${value}`].map((one) => new EqualityFilter({ attribute: aliases, value: one }))),
    ]);
    const people = await this.#activePeople(new OrFilter({ filters }), MOST_NAMES * 2);
    for (const name of wanted) {
      const has = people.filter(({ person }) => person.addresses.includes(name) || person.aliases.includes(name));
      if (has.length > 0) return has.length === 1 ? has[0]! : null;
    }
    return null;
  }

  /** The person of this external id, if they are there and may sign in. */
  async personKnownAs(externalId: string): Promise<LdapPerson | null> {
    const attribute = this.#settings.attributes.id;
    const value = isBinary(attribute) ? Buffer.from(externalId, 'hex') : externalId;
    const [person] = await this.#activePeople(new EqualityFilter({ attribute, value }), 2);
    return person ?? null;
  }

  /** The groups somebody is in. */
  async groupsOf({ dn, uids, groups: own }: LdapPerson): Promise<LdapGroup[]> {
    const { groups, membership } = this.#settings;
    if (groups === null) return [];
    if (membership.by === 'person') return this.#groupsAt(own.slice(0, MOST_GROUPS), groups);
    const members = membership.by === 'uid' ? uids : [dn];
    if (members.length === 0) return [];
    const naming = members.map((value) => new EqualityFilter({ attribute: membership.attribute, value }));
    const { entries } = await this.#some(both(groups, new OrFilter({ filters: naming })), {
      attributes: groupAttributes(this.#settings),
      sizeLimit: PAGE,
    });
    return entries.map((entry) => groupOf(entry, this.#settings)).filter((group) => group !== null);
  }

  /** Groups by their DNs; those that may not be read are none. */
  async #groupsAt(dns: readonly string[], filter: Filter): Promise<LdapGroup[]> {
    const found: LdapGroup[] = [];
    for (const base of dns) {
      const options: SearchOptions = { scope: 'base', attributes: groupAttributes(this.#settings) };
      const { entries } = await this.#some(filter, options, base).catch(noneIfMissing);
      found.push(...entries.map((entry) => groupOf(entry, this.#settings)).filter((group) => group !== null));
    }
    return found;
  }

  /** Is this the password of somebody? Null: of nobody, which takes the same way. @throws LdapUnavailable */
  async isPassword(person: LdapPerson | null, password: string): Promise<boolean> {
    const dn = person?.dn || `cn=${randomUUID()},${this.#settings.base}`;
    const secret = person === null ? randomUUID() : password;
    if (secret === '' || Buffer.byteLength(secret) > PASSWORD_LIMIT) return false;
    try {
      await this.#checking.run((client) => client.bind(dn, secret));
      return person !== null;
    } catch (error) {
      if (isNotRight(error)) return false;
      throw asUnavailable(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#reading.close(), this.#checking.close()]);
  }

  async #activePeople(who: Filter, sizeLimit: number): Promise<LdapPerson[]> {
    const { people, disabled } = this.#settings;
    const filters = [people, who, ...(disabled === null ? [] : [new NotFilter({ filter: disabled })])];
    const attributes = personAttributes(this.#settings);
    const { entries } = await this.#some(new AndFilter({ filters }), { attributes, sizeLimit });
    return entries.map((entry) => personOf(entry, this.#settings, true)).filter(isPerson);
  }

  async #some(filter: Filter, options: SearchOptions, base = this.#settings.base): Promise<Found> {
    try {
      return await this.#reading.run(async (client) => {
        const { searchEntries, searchReferences } = await client.search(base, this.#search(filter, options));
        return { entries: searchEntries, referrals: searchReferences.length };
      });
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /** Page by page (RFC 2696), on one connection. */
  #all(filter: Filter, attributes: readonly string[]): Promise<Found> {
    return this.#reading.run(async (client) => {
      const options = this.#search(filter, { attributes: [...attributes], paged: { pageSize: PAGE } });
      const entries: Entry[] = [];
      let referrals = 0;
      for await (const page of client.searchPaginated(this.#settings.base, options)) {
        entries.push(...page.searchEntries);
        referrals += page.searchReferences.length;
        if (entries.length > MOST_ENTRIES) {
          throw new LdapUnavailable(`There are more than ${MOST_ENTRIES} entries: are base and filters right?`);
        }
      }
      return { entries, referrals };
    });
  }

  #search(filter: Filter, options: SearchOptions): SearchOptions {
    const { attributes, timeout } = this.#settings;
    return {
      filter,
      scope: 'sub',
      timeLimit: Math.max(1, Math.ceil(timeout / 1_000)),
      explicitBufferAttributes: isBinary(attributes.id) ? [attributes.id] : [],
      ...options,
    };
  }
}

/** A group may go between two questions, or be out of sight. */
function noneIfMissing(error: unknown): Found {
  if (error instanceof LdapUnavailable && error.cause instanceof NoSuchObjectError)
    return { entries: [], referrals: 0 };
  throw error;
}

function both(a: Filter, b: Filter): Filter {
  return new AndFilter({ filters: [a, b] });
}
