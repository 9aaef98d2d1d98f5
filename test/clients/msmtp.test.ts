/** msmtp: submits what a program gives it, as sendmail would. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended, mechanismsOf } from './client.ts';
import { withLf } from './maildir.ts';
import { assertSameMessages, ODD_MESSAGES, withoutTrace } from './odd-messages.ts';

interface Settings {
  readonly mechanism?: string;
  readonly tls?: 'implicit' | 'STARTTLS' | 'none';
  readonly trust?: 'authority' | 'fingerprint';
  /** Of what it wants to hear, as msmtp writes it. */
  readonly notify?: string;
}

class Msmtp {
  readonly #office: TrialOffice;
  readonly #home: ClientHome;

  private constructor(office: TrialOffice, home: ClientHome) {
    this.#office = office;
    this.#home = home;
  }

  static async open(t: TestContext): Promise<{ office: TrialOffice; home: ClientHome; msmtp: Msmtp } | undefined> {
    if (!needsTool(t, 'msmtp')) return undefined;
    const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
    return { office, home, msmtp: new Msmtp(office, home) };
  }

  async send(message: string, to: readonly string[], settings: Settings = {}): Promise<Ended> {
    const { mechanism = 'on', tls = 'STARTTLS', trust = 'authority', notify = 'off' } = settings;
    const config = await this.#home.file(
      'msmtprc',
      `account default
host localhost
port ${this.#office.port(tls === 'implicit' ? 'submissions' : 'submission')}
from ${this.#office.address('anna')}
user ${this.#office.address('anna')}
password "${PASSWORD}"
auth ${mechanism}
tls ${tls === 'none' ? 'off' : 'on'}
tls_starttls ${tls === 'STARTTLS' ? 'on' : 'off'}
${trust === 'authority' ? `tls_trust_file ${this.#home.ca}` : `tls_fingerprint ${this.#home.fingerprint}`}
dsn_notify ${notify}
dsn_return headers
set_date_header off
set_msgid_header off
`,
    );
    return this.#home.try('msmtp', ['-C', config, '--', ...to], Buffer.from(message, 'latin1'));
  }
}

/** Whole messages in an INBOX, in order. */
function received(office: TrialOffice, person: string): Promise<string[]> {
  const [laptop] = office.devices(person, ['laptop']);
  return laptop.pop3((session) => session.all());
}

test('msmtp submits with every mechanism it has, with TLS, STARTTLS, and without on loopback', async (t) => {
  const { office, home, msmtp } = (await Msmtp.open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  let sent = 0;
  for (const tls of ['implicit', 'STARTTLS', 'none'] as const) {
    for (const mechanism of await mechanismsOf(home, 'msmtp')) {
      if (mechanism.endsWith('-plus') && tls === 'none') continue; // it is bound to the TLS it comes by
      const trust = mechanism === 'login' ? 'fingerprint' : 'authority';
      const ended = await msmtp!.send('Subject: Hello\n\nHello.\n', ['ben@office.test'], { mechanism, tls, trust });
      assert.equal(ended.code, 0, ended.stderr);
      sent += 1;
    }
  }
  assert.equal((await received(office, 'ben')).length, sent);
});

test('msmtp submits odd messages, which arrive as they are', async (t) => {
  const { office, msmtp } = (await Msmtp.open(t)) ?? {};
  if (office === undefined) return;
  for (const message of ODD_MESSAGES) {
    const ended = await msmtp!.send(withLf(message), ['ben@office.test']);
    assert.equal(ended.code, 0, ended.stderr);
  }
  assertSameMessages((await received(office, 'ben')).map(withoutTrace), ODD_MESSAGES);
});

test('msmtp hears that what it sent is there, when it asks', async (t) => {
  const { office, msmtp } = (await Msmtp.open(t)) ?? {};
  if (office === undefined) return;
  const ended = await msmtp!.send('Subject: Hello\n\nHello.\n', ['ben@office.test'], { notify: 'success,failure' });
  assert.equal(ended.code, 0, ended.stderr);
  const [report] = await received(office, 'anna');
  assert.match(report!, /^Subject: Delivered: Hello\r?$/m);
  assert.match(report!, /^Final-Recipient: rfc822; ben@office\.test\r?$/m);
});

test('msmtp sends nothing when one of the recipients is refused', async (t) => {
  const { office, msmtp } = (await Msmtp.open(t)) ?? {};
  if (office === undefined) return;
  const ended = await msmtp!.send('Subject: Hello\n\nHello.\n', ['ben@office.test', 'nobody@office.test']);
  assert.notEqual(ended.code, 0);
  assert.match(ended.stderr, /550 5\.1\.1/);
  assert.deepEqual(await received(office, 'ben'), []);
});
