/** fetchmail: takes mail from a POP3 mailbox and hands each message to a program. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice } from './client.ts';
import { type Fetch, type Fetcher, filesIn } from './fetching.ts';

export class Fetchmail implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;

  private constructor(office: TrialOffice, home: ClientHome) {
    this.#office = office;
    this.#home = home;
  }

  static async open(t: TestContext): Promise<{ office: TrialOffice; fetchmail: Fetchmail } | undefined> {
    if (!needsTool(t, 'fetchmail')) return undefined;
    const { office, home } = await clientOffice(t);
    return { office, fetchmail: await Fetchmail.at(office, home) };
  }

  /** At an office that is there. */
  static async at(office: TrialOffice, home: ClientHome): Promise<Fetchmail> {
    await mkdir(home.path('fetched'));
    return new Fetchmail(office, home);
  }

  async fetch({ keep, tls }: Fetch): Promise<void> {
    const port = this.#office.port(tls === 'implicit' ? 'pop3s' : 'pop3');
    const security = { implicit: 'ssl', STLS: 'sslproto "auto"', none: 'sslproto ""' }[tls];
    const config = await this.#home.file(
      'fetchmailrc',
      `set invisible
set no bouncemail
set pidfile "${this.#home.path('fetchmail.pid')}"
poll localhost protocol pop3 port ${port} uidl no dns:
  user "${this.#office.address('anna')}" password "${PASSWORD}" ${security}
  ${tls === 'none' ? '' : `sslcertck sslcertfile "${this.#home.ca}"`}
  ${keep ? 'keep' : 'no keep'} no rewrite
  mda "cat > $(mktemp fetched/XXXXXXXX)"
`,
    );
    const { code, stdout, stderr } = await this.#home.try('fetchmail', ['-f', config]);
    // 1: there was no mail.
    assert.ok(code === 0 || code === 1, `fetchmail ended with ${code}:\n${stdout}${stderr}`);
  }

  received(): Promise<string[]> {
    return filesIn(this.#home.path('fetched'));
  }
}
