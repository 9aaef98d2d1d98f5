/** getmail: fetches mail over POP3 or IMAP and hands each message over by LMTP; here from anna to ben. */
import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';
import type { Fetch, Fetcher } from './fetching.ts';

/** It knows no STLS: without TLS on loopback instead. */
export type Protocol = 'POP3' | 'IMAP';

export class Getmail implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #protocol: Protocol;
  readonly #password: string;

  private constructor(office: TrialOffice, home: ClientHome, protocol: Protocol, password = PASSWORD) {
    this.#office = office;
    this.#home = home;
    this.#protocol = protocol;
    this.#password = password;
  }

  static async open(
    t: TestContext,
    protocol: Protocol,
  ): Promise<{ office: TrialOffice; getmail: Getmail } | undefined> {
    if (!needsTool(t, 'getmail')) return undefined;
    const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
    return { office, getmail: new Getmail(office, home, protocol) };
  }

  /** At an office that is there, over POP3. */
  static async at(office: TrialOffice, home: ClientHome, password: string): Promise<Getmail> {
    return new Getmail(office, home, 'POP3', password);
  }

  async fetch(how: Fetch): Promise<void> {
    const { code, stdout, stderr } = await this.attempt(how);
    assert.equal(code, 0, `getmail ended with ${code}:\n${stdout}${stderr}`);
  }

  async attempt({ keep, tls, port: elsewhere }: Fetch): Promise<Ended> {
    const secure = tls === 'implicit';
    const port = elsewhere ?? this.#office.port(`${this.#protocol === 'POP3' ? 'pop3' : 'imap'}${secure ? 's' : ''}`);
    await this.#movesTo(port);
    const config = await this.#home.file(
      'getmailrc',
      `[retriever]
type = Simple${this.#protocol}${secure ? 'SSL' : ''}Retriever
server = localhost
port = ${port}
username = ${this.#office.address('anna')}
password = ${this.#password}
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
    return this.#home.try('getmail', ['--getmaildir', this.#home.folder, '--rcfile', config]);
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
