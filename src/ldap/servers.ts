/**
 * The LDAP servers of the settings, as one: the first that takes a connection is used, and remembered.
 *
 * Invariant: after a failure nobody tries for {@link RETRY_AFTER}: whoever comes meanwhile is told at once, and doesn't wait for a server
 * that is silent.
 */
import { readFile } from 'node:fs/promises';
import type { Client } from 'ldapts';
import type { Milliseconds } from '../store/ids.ts';
import { connectLdap, endLdap } from './connection.ts';
import type { LdapSettings } from './settings.ts';
import { describe, LdapUnavailable } from './trouble.ts';

const RETRY_AFTER: Milliseconds = 5_000;

export class LdapServers {
  readonly #settings: LdapSettings;
  readonly #onChange: (trouble: string | null) => void;
  /** The one that worked last. */
  #preferred = 0;
  #trouble: string | null = null;
  #notBefore: Milliseconds = 0;

  /** @param onChange  hears when the servers stop to answer, with the reason, and when they do again */
  constructor(settings: LdapSettings, onChange: (trouble: string | null) => void) {
    this.#settings = settings;
    this.#onChange = onChange;
  }

  /** Why they can't be asked; null while they can, as far as is known. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** @throws LdapUnavailable while it is too early to try again */
  requireHope(): void {
    if (this.#trouble !== null && performance.now() < this.#notBefore) throw new LdapUnavailable(this.#trouble);
  }

  /** Lets the next one try at once. */
  forgetTrouble(): void {
    this.#notBefore = 0;
  }

  /** A new connection. @param signedIn  as the account that reads; else as nobody @throws LdapUnavailable */
  async connect(signedIn: boolean): Promise<Client> {
    const { urls } = this.#settings;
    const troubles: string[] = [];
    for (const turn of urls.keys()) {
      const index = (this.#preferred + turn) % urls.length;
      try {
        const client = await this.#connectTo(urls[index]!, signedIn);
        this.#preferred = index;
        return client;
      } catch (error) {
        troubles.push(`${urls[index]}: ${describe(error)}`);
      }
    }
    throw this.failed(troubles.join(' '));
  }

  /** They answered. */
  worked(): void {
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#onChange(null);
  }

  /** They did not. @returns the error for whoever waits */
  failed(trouble: string): LdapUnavailable {
    const isNew = this.#trouble === null;
    this.#trouble = trouble;
    this.#notBefore = performance.now() + RETRY_AFTER;
    if (isNew) this.#onChange(trouble);
    return new LdapUnavailable(trouble);
  }

  async #connectTo(url: string, signedIn: boolean): Promise<Client> {
    const { bind, passwordFile } = this.#settings;
    const client = await connectLdap(url, this.#settings);
    try {
      // Read each time: the password may be changed while the server runs.
      if (signedIn && bind !== '') await client.bind(bind, await passwordIn(passwordFile));
      return client;
    } catch (error) {
      await endLdap(client);
      throw error;
    }
  }
}

/** Without the line end. @throws when it is empty, which servers may take for a sign-in without a name (RFC 4513 5.1.2) */
async function passwordIn(file: string): Promise<string> {
  const password = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  if (password === '') throw new Error(`${file} is empty: it holds the password of the account in ldap.bind`);
  return password;
}
