/** fetchmail: takes mail from a POP3 mailbox and hands each message to a program. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';
import { type Fetch, type Fetcher, filesIn, pop3Port } from './fetching.ts';

export class Fetchmail implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #password: string;

  private constructor(office: TrialOffice, home: ClientHome, password: string) {
    this.#office = office;
    this.#home = home;
    this.#password = password;
  }

  static async open(t: TestContext): Promise<{ office: TrialOffice; fetchmail: Fetchmail } | undefined> {
    if (!needsTool(t, 'fetchmail')) return undefined;
    const { office, home } = await clientOffice(t);
    return { office, fetchmail: await Fetchmail.at(office, home) };
  }

  /** At an office that is there. */
  static async at(office: TrialOffice, home: ClientHome, password = PASSWORD): Promise<Fetchmail> {
    await mkdir(home.path('fetched'));
    return new Fetchmail(office, home, password);
  }

  async fetch(how: Fetch): Promise<void> {
    const { code, stdout, stderr } = await this.attempt(how);
    // 1: there was no mail.
    assert.ok(code === 0 || code === 1, `fetchmail ended with ${code}:\n${stdout}${stderr}`);
  }

  async attempt({ keep, tls, port = pop3Port(this.#office, tls) }: Fetch): Promise<Ended> {
    const security = { implicit: 'ssl', STLS: 'sslproto "auto"', none: 'sslproto ""' }[tls];
    const config = await this.#home.file(
      'fetchmailrc',
      `set invisible
set no bouncemail
set pidfile "${this.#home.path('fetchmail.pid')}"
poll localhost protocol pop3 port ${port} uidl no dns:
  user "${this.#office.address('anna')}" password "${this.#password}" ${security}
  ${tls === 'none' ? '' : `sslcertck sslcertfile "${this.#home.ca}"`}
  ${keep ? 'keep' : 'no keep'} no rewrite
  mda "cat > $(mktemp fetched/XXXXXXXX)"
`,
    );
    return this.#home.try('fetchmail', ['-f', config]);
  }

  received(): Promise<string[]> {
    return filesIn(this.#home.path('fetched'));
  }
}
