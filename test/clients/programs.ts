/** Mail programs of our own making: each keeps account of the unique ids of what it has fetched, as soon as it has it. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Pop3Device } from '../helpers/line-client.ts';
import type { TrialOffice } from '../helpers/office.ts';
import type { ClientHome, Ended } from './client.ts';
import { type Fetch, type Fetcher, filesIn, pop3Port } from './fetching.ts';
import { withLf } from './maildir.ts';

/** One on Python's poplib. */
export class Poplib implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #password: string;

  private constructor(office: TrialOffice, home: ClientHome, password: string) {
    this.#office = office;
    this.#home = home;
    this.#password = password;
  }

  static async at(office: TrialOffice, home: ClientHome, password: string): Promise<Poplib> {
    await mkdir(home.path('fetched'));
    return new Poplib(office, home, password);
  }

  async fetch(how: Fetch): Promise<void> {
    const { code, stderr } = await this.attempt(how);
    assert.equal(code, 0, stderr);
  }

  attempt({ keep, tls, port = pop3Port(this.#office, tls) }: Fetch): Promise<Ended> {
    return this.#home.try('python3', ['-B', join(import.meta.dirname, 'poplib-program.py')], '', {
      ADDRESS: this.#office.address('anna'),
      PASSWORD: this.#password,
      PORT: String(port),
      KEEP: String(keep),
    });
  }

  received(): Promise<string[]> {
    return filesIn(this.#home.path('fetched'));
  }
}

/** One that speaks for itself, in this process; without TLS. */
export class OwnProgram implements Fetcher {
  readonly #office: TrialOffice;
  readonly #password: string;
  /** Messages by unique id. */
  readonly #had = new Map<string, string>();

  constructor(office: TrialOffice, password: string) {
    this.#office = office;
    this.#password = password;
  }

  async fetch({ keep, port = this.#office.port('pop3') }: Fetch): Promise<void> {
    const session = await Pop3Device.signIn(port, this.#office.address('anna'), this.#password);
    try {
      for (const [index, id] of (await session.uidl()).entries()) {
        if (!this.#had.has(id)) this.#had.set(id, withLf(await session.retr(index + 1)));
        if (!keep) await session.dele(index + 1);
      }
      await session.quit();
    } finally {
      session.close();
    }
  }

  attempt(how: Fetch): Promise<Ended> {
    return this.fetch(how).then(
      () => ({ code: 0, stdout: '', stderr: '' }),
      (error: unknown) => ({ code: 1, stdout: '', stderr: String(error) }),
    );
  }

  async received(): Promise<string[]> {
    return [...this.#had.values()];
  }
}
