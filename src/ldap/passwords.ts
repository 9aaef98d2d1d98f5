/**
 * Checks the passwords of people who live in LDAP: by signing in there as they are.
 *
 * Invariants
 * - For every name that may live there the same is asked: a search and a bind; for nobody, and for accounts made here, with a name that
 *   doesn't exist and a password that nobody typed.
 * - What was right is kept as an HMAC alone (auth/verified.ts), and is void at once when LDAP says that it is wrong.
 */
import type { OutsidePasswords, OutsideSignIn } from '../auth/outside.ts';
import type { Fingerprint } from '../auth/verified.ts';
import { parseAddress } from '../directory/address.ts';
import type { Directory } from '../directory/directory.ts';
import type { SignInRecord } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { Lru } from '../lru.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { LdapPerson } from './entry.ts';
import type { LdapReader } from './reader.ts';
import type { LdapSettings } from './settings.ts';
import { takeNow } from './take-person.ts';
import { LdapUnavailable } from './trouble.ts';

/** About 300 bytes each. */
const CAPACITY = 50_000;

interface Right {
  readonly externalId: string;
  readonly at: Milliseconds;
}

export interface LdapPasswordsOptions {
  readonly settings: Pick<LdapSettings, 'domains' | 'remember' | 'offline'>;
  readonly reader: LdapReader;
  readonly directory: Directory;
  readonly clock?: () => Milliseconds;
}

export class LdapPasswords implements OutsidePasswords {
  readonly #options: LdapPasswordsOptions;
  readonly #clock: () => Milliseconds;
  readonly #right = new Lru<Fingerprint, Right>(CAPACITY);

  constructor(options: LdapPasswordsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  isRecent(record: SignInRecord | null, fingerprint: Fingerprint): boolean {
    return this.#wasRight(record, fingerprint, this.#options.settings.remember);
  }

  async check(
    name: string,
    record: SignInRecord | null,
    password: string,
    fingerprint: Fingerprint,
  ): Promise<OutsideSignIn | null> {
    try {
      const found = await this.#find(name, record);
      if (found === undefined) return null;
      if (await this.#options.reader.isPassword(found, password)) return await this.#signIn(found!, fingerprint);
      this.#right.delete(fingerprint);
      return null;
    } catch (error) {
      if (!(error instanceof LdapUnavailable)) throw error;
      if (record !== null && this.#wasRight(record, fingerprint, this.#options.settings.offline)) {
        return { record, remembered: true };
      }
      throw new Refused('auth.unavailable', 'Your password can not be checked just now. Try again in some minutes.', {
        cause: error,
      });
    }
  }

  /** Null: nobody, or nobody who lives there. Undefined: the name can't be of anybody who does. */
  async #find(name: string, record: SignInRecord | null): Promise<LdapPerson | null | undefined> {
    const { reader, directory, settings } = this.#options;
    if (record?.outside) return reader.personKnownAs(record.outside);
    if (record === null && !name.includes('@')) {
      await reader.personAt([name]); // whoever is known may sign in without the domain
      return null;
    }
    const owners = record === null ? await directory.ownersOf(name) : ownersOf(record);
    if (owners === null || !settings.domains.has(owners.domain)) return undefined;
    const [address] = owners.names;
    const found = await reader.personAt([address!]);
    return record === null && found?.person.addresses.includes(address!) === true ? found : null;
  }

  async #signIn(found: LdapPerson, fingerprint: Fingerprint): Promise<OutsideSignIn | null> {
    const { directory, reader } = this.#options;
    const { externalId } = found.person;
    const name = await takeNow(directory, reader, found);
    const asOf = directory.generation;
    const record = name === null ? null : await directory.signInRecord(name);
    if (record?.outside !== externalId) return null; // the address is somebody else's here: `rainmail ldap check` tells it
    this.#right.set(fingerprint, { externalId, at: this.#clock() });
    return { record, asOf, remembered: false };
  }

  #wasRight(record: SignInRecord | null, fingerprint: Fingerprint, within: Milliseconds): boolean {
    const right = this.#right.get(fingerprint);
    return right !== undefined && right.externalId === record?.outside && this.#clock() - right.at < within;
  }
}

function ownersOf({ account }: SignInRecord): { domain: string; names: readonly string[] } {
  return { domain: parseAddress(account.name)?.domain ?? '', names: [account.name] };
}
