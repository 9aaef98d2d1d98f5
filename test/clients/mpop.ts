/** mpop: fetches mail over POP3, with pipelining, into a maildir. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';
import { type Fetch, type Fetcher, pop3Port } from './fetching.ts';
import { Maildir } from './maildir.ts';

/** Whom to trust: who signed the certificate, or the certificate itself. */
type Trust = 'authority' | 'fingerprint';

export class Mpop implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #mail: Maildir;
  readonly #password: string;

  private constructor(office: TrialOffice, home: ClientHome, mail: Maildir, password: string) {
    this.#office = office;
    this.#home = home;
    this.#mail = mail;
    this.#password = password;
  }

  static async open(t: TestContext): Promise<{ office: TrialOffice; home: ClientHome; mpop: Mpop } | undefined> {
    if (!needsTool(t, 'mpop')) return undefined;
    const { office, home } = await clientOffice(t);
    return { office, home, mpop: await Mpop.at(office, home) };
  }

  /** At an office that is there. */
  static async at(office: TrialOffice, home: ClientHome, password = PASSWORD): Promise<Mpop> {
    return new Mpop(office, home, await Maildir.create(home.path('mail')), password);
  }

  async fetch(how: Fetch, mechanism = 'on', trust: Trust = 'authority'): Promise<void> {
    const { code, stdout, stderr } = await this.attempt(how, mechanism, trust);
    assert.equal(code, 0, `mpop ended with ${code}:\n${stdout}${stderr}`);
  }

  async attempt(
    { keep, tls, port = pop3Port(this.#office, tls) }: Fetch,
    mechanism = 'on',
    trust: Trust = 'authority',
  ): Promise<Ended> {
    const config = await this.#home.file(
      'mpoprc',
      `account default
host localhost
port ${port}
user ${this.#office.address('anna')}
password "${this.#password}"
auth ${mechanism}
tls ${tls === 'none' ? 'off' : 'on'}
tls_starttls ${tls === 'STLS' ? 'on' : 'off'}
${trust === 'authority' ? `tls_trust_file ${this.#home.ca}` : `tls_fingerprint ${this.#home.fingerprint}`}
uidls_file ~/uidls
keep ${keep ? 'on' : 'off'}
received_header off
delivery maildir ${this.#mail.folder}
`,
    );
    return this.#home.try('mpop', ['-C', config, '--half-quiet']);
  }

  async received(): Promise<string[]> {
    return (await this.#mail.messages()).map(({ content }) => content);
  }
}
