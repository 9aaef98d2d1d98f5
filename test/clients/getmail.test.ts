/** getmail: fetches mail over POP3 or IMAP and hands each message over by LMTP; here from anna to ben. */
import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice } from './client.ts';
import { type Fetch, type Fetcher, fetchAndDelete, fetchAndKeep } from './fetching.ts';
import { subjectOf } from './maildir.ts';
import { ODD_MESSAGES } from './odd-messages.ts';

/** It knows no STLS: without TLS on loopback instead. */
type Protocol = 'POP3' | 'IMAP';

class Getmail implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #protocol: Protocol;

  private constructor(office: TrialOffice, home: ClientHome, protocol: Protocol) {
    this.#office = office;
    this.#home = home;
    this.#protocol = protocol;
  }

  static async open(
    t: TestContext,
    protocol: Protocol,
  ): Promise<{ office: TrialOffice; getmail: Getmail } | undefined> {
    if (!needsTool(t, 'getmail')) return undefined;
    const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
    return { office, getmail: new Getmail(office, home, protocol) };
  }

  async fetch({ keep, tls }: Fetch): Promise<void> {
    const secure = tls === 'implicit';
    const port = this.#office.port(`${this.#protocol === 'POP3' ? 'pop3' : 'imap'}${secure ? 's' : ''}`);
    await this.#movesTo(port);
    const config = await this.#home.file(
      'getmailrc',
      `[retriever]
type = Simple${this.#protocol}${secure ? 'SSL' : ''}Retriever
server = localhost
port = ${port}
username = ${this.#office.address('anna')}
password = ${PASSWORD}
${secure ? `ca_certs = ${this.#home.ca}` : ''}

[destination]
type = MDA_lmtp
host = localhost
port = ${this.#office.port('lmtp')}
override = ${this.#office.address('ben')}

[options]
delete = ${!keep}
read_all = false
delivered_to = false
received = false
`,
    );
    await this.#home.run('getmail', ['--getmaildir', this.#home.folder, '--rcfile', config]);
  }

  received(): Promise<string[]> {
    const [laptop] = this.#office.devices('ben', ['laptop']);
    return laptop.pop3((session) => session.all());
  }

  /** It keeps account by port, which a restart of the office changes here. */
  async #movesTo(port: number): Promise<void> {
    for (const name of await readdir(this.#home.folder)) {
      if (!name.startsWith('oldmail-')) continue;
      await rename(this.#home.path(name), this.#home.path(name.replace(/^(oldmail-localhost)-\d+-/, `$1-${port}-`)));
    }
  }
}

for (const protocol of ['POP3', 'IMAP'] as const) {
  test(`getmail over ${protocol}, keeping mail in the office, gets nothing twice and loses nothing`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office !== undefined) await fetchAndKeep(office, getmail!);
  });

  test(`getmail over ${protocol}, taking mail out of the office, gets nothing twice and loses nothing`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office !== undefined) await fetchAndDelete(office, getmail!);
  });

  // As they are cannot be asked of it: it takes each message apart and writes it anew.
  test(`getmail over ${protocol} gets every odd message`, async (t) => {
    const { office, getmail } = (await Getmail.open(t, protocol)) ?? {};
    if (office === undefined) return;
    for (const raw of ODD_MESSAGES) await office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') });
    await getmail!.fetch({ keep: false, tls: 'implicit' });
    assert.deepEqual((await getmail!.received()).map(subjectOf).sort(), ODD_MESSAGES.map(subjectOf).sort());
  });
}
