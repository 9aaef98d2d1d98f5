/** mpop: fetches mail over POP3, with pipelining, into a maildir. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, mechanismsOf } from './client.ts';
import { type Fetch, type Fetcher, fetchAndDelete, fetchAndKeep, fetchOddMessages } from './fetching.ts';
import { Maildir } from './maildir.ts';

/** Whom to trust: who signed the certificate, or the certificate itself. */
type Trust = 'authority' | 'fingerprint';

class Mpop implements Fetcher {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;
  readonly #mail: Maildir;

  private constructor(office: TrialOffice, home: ClientHome, mail: Maildir) {
    this.#office = office;
    this.#home = home;
    this.#mail = mail;
  }

  static async open(t: TestContext): Promise<{ office: TrialOffice; home: ClientHome; mpop: Mpop } | undefined> {
    if (!needsTool(t, 'mpop')) return undefined;
    const { office, home } = await clientOffice(t);
    return { office, home, mpop: new Mpop(office, home, await Maildir.create(home.path('mail'))) };
  }

  async fetch({ keep, tls }: Fetch, mechanism = 'on', trust: Trust = 'authority'): Promise<void> {
    const config = await this.#home.file(
      'mpoprc',
      `account default
host localhost
port ${this.#office.port(tls === 'implicit' ? 'pop3s' : 'pop3')}
user ${this.#office.address('anna')}
password "${PASSWORD}"
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
    await this.#home.run('mpop', ['-C', config, '--half-quiet']);
  }

  async received(): Promise<string[]> {
    return (await this.#mail.messages()).map(({ content }) => content);
  }
}

test('mpop, keeping mail in the office, gets nothing twice and loses nothing', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchAndKeep(office, mpop!);
});

test('mpop, taking mail out of the office, gets nothing twice and loses nothing', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchAndDelete(office, mpop!);
});

test('mpop gets odd messages as they are', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchOddMessages(office, mpop!);
});

test('mpop signs in with every mechanism it has, with TLS, STLS, and without on loopback', async (t) => {
  const { office, home, mpop } = (await Mpop.open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  let delivered = 0;
  for (const tls of ['implicit', 'STLS', 'none'] as const) {
    for (const mechanism of ['user', ...(await mechanismsOf(home, 'mpop'))]) {
      if (mechanism.endsWith('-plus') && tls === 'none') continue; // it is bound to the TLS it comes by
      await office.deliver({ to: 'anna' });
      await mpop!.fetch({ keep: false, tls }, mechanism, mechanism === 'plain' ? 'fingerprint' : 'authority');
      assert.equal((await mpop!.received()).length, ++delivered);
    }
  }
});
