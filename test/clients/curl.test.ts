/** curl: IMAP, POP3 and SMTP from the command line, as the guide shows them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';
import { assertSameMessages, ODD_MESSAGES, withoutTrace } from './odd-messages.ts';

/** With TLS from the start, STARTTLS, or without. */
type Scheme = 'imaps' | 'imap' | 'pop3s' | 'pop3' | 'smtps' | 'smtp';

class Curl {
  readonly office: TrialOffice;
  readonly #home: ClientHome;

  private constructor(office: TrialOffice, home: ClientHome) {
    this.office = office;
    this.#home = home;
  }

  static async open(t: TestContext): Promise<Curl | undefined> {
    if (!needsTool(t, 'curl')) return undefined;
    const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
    await home.file('netrc', `machine localhost login ${office.address('anna')} password "${PASSWORD}"\n`);
    return new Curl(office, home);
  }

  /** Asks for a path of an URL, as anna. */
  try(scheme: Scheme, path: string, args: readonly string[] = [], input = ''): Promise<Ended> {
    const service = scheme === 'smtps' ? 'submissions' : scheme === 'smtp' ? 'submission' : scheme;
    const url = `${scheme}://localhost:${this.office.port(service)}/${path}`;
    const secure = ['--ssl-reqd', '--cacert', this.#home.ca];
    const signIn = ['--netrc-file', this.#home.path('netrc')];
    return this.#home.try('curl', ['-sS', ...secure, ...signIn, ...args, url], input);
  }

  /** Sends a message: files it over IMAP, submits it over SMTP. */
  async upload(scheme: Scheme, path: string, message: string, args: readonly string[] = []): Promise<void> {
    const file = await this.#home.file('message.eml', Buffer.from(message, 'latin1'));
    await this.run(scheme, path, [...args, '-T', file]);
  }

  async run(scheme: Scheme, path: string, args: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.try(scheme, path, args);
    assert.equal(code, 0, stderr);
    return stdout;
  }
}

test('curl signs in with every mechanism it has, with TLS and STARTTLS', async (t) => {
  const curl = await Curl.open(t);
  if (curl === undefined) return;
  for (const scheme of ['imaps', 'imap', 'pop3s', 'pop3', 'smtps', 'smtp'] as const) {
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      const { code, stderr } = await curl.try(scheme, '', [
        '-v',
        '-X',
        'NOOP',
        '-I',
        '--login-options',
        `AUTH=${mechanism}`,
      ]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`^> (\\w+ )?AUTH(ENTICATE)? ${mechanism}`, 'm'));
    }
  }
});

test('curl works a mailbox over IMAP: lists, appends, searches, fetches, and gives commands of its own', async (t) => {
  const curl = await Curl.open(t);
  if (curl === undefined) return;
  const listed = await curl.run('imaps', '');
  assert.match(listed, /^\* LIST \(\\HasNoChildren\) "\/" INBOX\r$/m);
  assert.match(listed, /^\* LIST \(\\HasNoChildren \\Sent\) "\/" Sent\r$/m);

  const first = 'From: <anna@office.test>\r\nSubject: First\r\n\r\nThe first body.\r\n';
  const second = 'From: <anna@office.test>\r\nSubject: Second\r\n\r\nGr\xfc\xdfe\r\n.\r\n';
  await curl.upload('imaps', 'Drafts', first);
  await curl.upload('imaps', 'Drafts', second);
  assert.equal(await curl.run('imaps', 'Drafts?SUBJECT%20Second'), '* SEARCH 2\r\n');
  assert.equal(await curl.run('imaps', 'Drafts;UID=2'), second);
  assert.equal(await curl.run('imap', 'Drafts;MAILINDEX=1'), first);
  assert.equal(await curl.run('imap', 'Drafts;MAILINDEX=1;SECTION=TEXT'), 'The first body.\r\n');
  assert.match(
    await curl.run('imaps', 'Drafts', ['-X', 'FETCH 1:2 (UID FLAGS RFC822.SIZE)']),
    /^\* 1 FETCH \(UID 1 .*\r\n\* 2 FETCH \(UID 2 /,
  );
  await curl.run('imaps', 'Drafts', ['-X', 'STORE 1 +FLAGS (\\Deleted)']);
  await curl.run('imaps', 'Drafts', ['-X', 'EXPUNGE']);
  assert.equal(await curl.run('imaps', 'Drafts?ALL'), '* SEARCH 1\r\n');
  await curl.run('imaps', '', ['-X', 'CREATE "A &- B"']);
  assert.match(await curl.run('imaps', '', ['-X', 'LIST "" "A *"']), /^\* LIST \(.*\) "\/" "A &- B"\r\n$/);
  const missing = await curl.try('imaps', 'No%20such%20folder;UID=1');
  assert.notEqual(missing.code, 0);
});

test('what curl submits comes back over POP3 and IMAP byte for byte', async (t) => {
  const curl = await Curl.open(t);
  if (curl === undefined) return;
  const to = ['--mail-from', 'anna@office.test', '--mail-rcpt', 'anna@office.test'];
  for (const message of ODD_MESSAGES) await curl.upload('smtps', 'laptop', message, to);

  const count = ODD_MESSAGES.length;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  assert.equal((await curl.run('pop3s', '', ['-X', 'UIDL'])).trim().split('\r\n').length, count);
  const byPop3: string[] = [];
  const byImap: string[] = [];
  for (const number of numbers) {
    byPop3.push(withoutTrace(await curl.run('pop3s', `${number}`)));
    byImap.push(withoutTrace(await curl.run('imaps', `INBOX;UID=${number}`)));
  }
  assertSameMessages(byPop3, ODD_MESSAGES);
  assertSameMessages(byImap, ODD_MESSAGES);

  await curl.run('pop3', '1', ['-X', 'DELE', '-I']);
  assert.match(await curl.run('pop3', ''), new RegExp(`^1 \\d+\\r\\n(.*\\r\\n){${count - 2}}$`));
});

test('curl is refused recipients elsewhere, and says why', async (t) => {
  const curl = await Curl.open(t);
  if (curl === undefined) return;
  const elsewhere = await curl.try(
    'smtp',
    '',
    ['--mail-from', 'anna@office.test', '--mail-rcpt', 'someone@example.org', '-T', '-'],
    'Subject: Hello\r\n\r\n',
  );
  assert.equal(elsewhere.code, 55); // a failure to send
  assert.match(elsewhere.stderr, /RCPT failed: 55/);
});
