/** What the access policy says reaches the person, through real clients. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { setPolicy } from '../../src/server/admin/policy.ts';
import { PASSWORD } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { clientOffice } from './client.ts';

const ANNA = 'anna@office.test';

test('curl, swaks and mbsync show the words of the policy to whom it turns away', async (t) => {
  for (const tool of ['curl', 'swaks', 'mbsync']) if (!needsTool(t, tool)) return;
  const { office, home } = await clientOffice(t);
  await office.deliver({ to: 'anna', subject: 'Hello' });
  const rules = ['imap=off', 'submission.networks=192.0.2.0/24', 'pop3.tls=required'];
  await perform(setPolicy, { scope: 'account', name: ANNA, settings: rules }, office);
  const words = /IMAP is not open to you\. Your mail is on POP3 at the same server/;

  const netrc = await home.file('netrc', `machine localhost login ${ANNA} password "${PASSWORD}"\n`);
  const curl = (scheme: 'imaps' | 'pop3' | 'pop3s', ...args: string[]) => {
    const url = `${scheme}://localhost:${office.port(scheme)}/${scheme === 'pop3s' ? '1' : ''}`;
    return home.try('curl', ['-sSv', '--cacert', home.ca, '--netrc-file', netrc, ...args, url]);
  };
  const overImap = await curl('imaps');
  assert.equal(overImap.code, 67, overImap.stderr); // login denied
  assert.match(overImap.stderr, words);
  assert.match(overImap.stderr, /NO \[CONTACTADMIN\]/);
  const inPlain = await curl('pop3');
  assert.equal(inPlain.code, 67, inPlain.stderr);
  assert.match(inPlain.stderr, /-ERR \[AUTH\] POP3 is open to you over TLS only\. Turn on TLS/);
  const overPop3 = await curl('pop3s');
  assert.equal(overPop3.code, 0, overPop3.stderr);
  assert.match(overPop3.stdout, /^Subject: Hello\r$/m);

  const who = ['--auth', 'PLAIN', '--auth-user', ANNA, '--auth-password', PASSWORD, '--from', ANNA, '--to', ANNA];
  const server = ['--server', 'localhost', '--port', String(office.port('submission')), '--timeout', '30'];
  const sent = await home.try('swaks', [...server, ...who]);
  assert.equal(sent.code, 28, sent.stdout); // AUTH failed
  assert.match(
    sent.stdout,
    /^<\*\* 525 5\.7\.13 Sending mail is not open to you from where you are \((127\.0\.0\.1|::1)\)/m,
  );

  await mkdir(home.path('mail'));
  const config = await home.file(
    'mbsyncrc',
    `IMAPStore office
Host localhost
Port ${office.port('imaps')}
User ${ANNA}
Pass "${PASSWORD}"
SSLType IMAPS
CertificateFile ${home.ca}

MaildirStore laptop
Path ${home.path('mail')}/
Inbox ${home.path('mail', 'INBOX')}

Channel all
Far :office:
Near :laptop:
`,
  );
  const synchronised = await home.try('mbsync', ['-c', config, '-a']);
  assert.notEqual(synchronised.code, 0);
  assert.match(synchronised.stderr, words);
});
