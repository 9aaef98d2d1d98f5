/**
 * Where addresses lead, when their people may live in LDAP: whoever is not known here yet is looked for there, when mail for them comes.
 *
 * While LDAP does not answer, mail for those who are known is taken as always; who sends to others is told to try later, not that they don't
 * exist.
 */
import { parseAddress } from '../directory/address.ts';
import { isRole } from '../directory/behind.ts';
import type { Directory } from '../directory/directory.ts';
import type { Resolved } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { Lru } from '../lru.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { LdapReader } from './reader.ts';
import { takeNow } from './take-person.ts';
import { LdapUnavailable } from './trouble.ts';

/** Addresses that nobody has, neither here nor there: senders of junk try many. */
const CAPACITY = 10_000;
const UNKNOWN_FOR: Milliseconds = 60_000;

export class LdapResolver {
  readonly #directory: Directory;
  readonly #reader: LdapReader;
  readonly #domains: ReadonlySet<string>;
  readonly #unknown = new Lru<string, Milliseconds>(CAPACITY);

  constructor(directory: Directory, reader: LdapReader, domains: ReadonlySet<string>) {
    this.#directory = directory;
    this.#reader = reader;
    this.#domains = domains;
  }

  /** @throws Refused `recipient.unavailable` */
  resolve(address: string): Resolved | Promise<Resolved> {
    const known = this.#directory.resolve(address);
    if (known instanceof Promise) return known.then((found) => (isSettled(found) ? found : this.#ask(address, found)));
    return isSettled(known) ? known : this.#ask(address, known);
  }

  /** What was not there may be there now. */
  forget(): void {
    this.#unknown.clear();
  }

  async #ask(address: string, known: Resolved): Promise<Resolved> {
    const owners = await this.#directory.ownersOf(address);
    const [name] = owners?.names ?? [];
    if (owners === null || name === undefined || !this.#domains.has(owners.domain)) return known;
    if ((this.#unknown.get(name) ?? 0) > performance.now()) return known;
    try {
      const found = await this.#reader.personAt(owners.names);
      if (found !== null && (await takeNow(this.#directory, this.#reader, found)) !== null) {
        return await this.#directory.resolve(address);
      }
    } catch (error) {
      if (!(error instanceof LdapUnavailable)) throw error;
      if (isRole(parseAddress(name)?.local ?? '')) return known; // RFC 5321 4.5.1: always somebody
      throw new Refused(
        'recipient.unavailable',
        `Who has ${address} can't be looked up just now; please try again later.`,
        {
          cause: error,
        },
      );
    }
    this.#unknown.set(name, performance.now() + UNKNOWN_FOR);
    return known;
  }
}

/** The address itself is known here, or no domain of ours: there is nothing to ask. */
function isSettled(resolved: Resolved): boolean {
  return resolved.kind === 'accounts' ? resolved.byDefault !== true : resolved.kind !== 'unknown';
}
