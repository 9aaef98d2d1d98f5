/** Real clients with app passwords, and with passwords that another server hashed. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { addAppPassword, revokeAppPassword } from '../../src/server/admin/app-passwords.ts';
import { importAccounts } from '../../src/server/admin/import-accounts.ts';
import { output, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';

type Scheme = 'imaps' | 'pop3s' | 'smtps';

const SERVICES = { imaps: 'imaps', pop3s: 'pop3s', smtps: 'submissions' } as const;

/** Signs in by curl, with the password as it was typed. */
async function curl({ office, home }: Devices, scheme: Scheme, name: string, password: string): Promise<Ended> {
  const netrc = await home.file('netrc', `machine localhost login ${name} password "${password}"\n`);
  const url = `${scheme}://localhost:${office.port(SERVICES[scheme])}/`;
  return home.try('curl', ['-sSv', '--cacert', home.ca, '--netrc-file', netrc, '-X', 'NOOP', '-I', url]);
}

/** Lists folders by mbsync. */
async function mbsync({ office, home }: Devices, mechanism: string, password: string): Promise<Ended> {
  await mkdir(home.path('mail'), { recursive: true });
  const config = await home.file(
    'mbsyncrc',
    `IMAPAccount office
Host localhost
Port ${office.port('imaps')}
User ${office.address('anna')}
Pass "${password}"
SSLType IMAPS
CertificateFile ${home.ca}
AuthMechs ${mechanism}

IMAPStore office
Account office

MaildirStore laptop
Path ${home.path('mail')}/
Inbox ${home.path('mail', 'INBOX')}

Channel all
Far :office:
Near :laptop:
Patterns *
`,
  );
  return home.try('mbsync', ['-c', config, '-l', 'all']);
}

interface Devices {
  readonly office: TrialOffice;
  readonly home: ClientHome;
}

async function devices(t: TestContext, tool: string): Promise<Devices | undefined> {
  return needsTool(t, tool) === undefined ? undefined : clientOffice(t);
}

test('curl signs in with an app password where it may, and shows why it may not elsewhere', async (t) => {
  const own = await devices(t, 'curl');
  if (own === undefined) return;
  const address = own.office.address('anna');
  const { password } = await perform(
    addAppPassword,
    { address, name: 'Phone', protocols: ['imap', 'submission'] },
    own.office,
  );
  for (const typed of [password, password.replaceAll(' ', '')]) {
    for (const scheme of ['imaps', 'smtps'] as const) {
      const { code, stderr } = await curl(own, scheme, address, typed);
      assert.equal(code, 0, stderr);
    }
    const refused = await curl(own, 'pop3s', address, typed);
    assert.equal(refused.code, 67); // the login was denied
    assert.match(refused.stderr, /< -ERR \[AUTH\] This app password is for IMAP and sending mail only, not for POP3\./);
  }
  await perform(revokeAppPassword, { address, which: 'Phone' }, own.office);
  assert.equal((await curl(own, 'imaps', address, password)).code, 67);
});

test('mbsync signs in with an app password by every mechanism, typed with spaces or without', async (t) => {
  const own = await devices(t, 'mbsync');
  if (own === undefined) return;
  const address = own.office.address('anna');
  const { password } = await perform(addAppPassword, { address, name: 'Laptop', protocols: ['imap'] }, own.office);
  for (const mechanism of ['PLAIN', 'LOGIN', 'SCRAM-SHA-256']) {
    for (const typed of [password, password.replaceAll(' ', '')]) {
      const { code, stdout, stderr } = await mbsync(own, mechanism, typed);
      assert.equal(code, 0, `${mechanism}: ${stderr}`);
      assert.match(stdout, /^INBOX$/m);
    }
  }
  await perform(revokeAppPassword, { address, which: 'Laptop' }, own.office);
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) assert.notEqual((await mbsync(own, mechanism, password)).code, 0);
});

test('people who came with the hashes of another server sign in with the passwords they had', async (t) => {
  const own = await devices(t, 'curl');
  const doveadm = needsTool(t, 'doveadm');
  if (own === undefined || doveadm === undefined) return;
  const people = ['SHA512-CRYPT', 'BLF-CRYPT', 'SSHA256', 'SCRAM-SHA-256', 'PLAIN'].map((scheme, index) => ({
    address: `person${index}@office.test`,
    password: `green pencil ${index}`,
    scheme,
  }));
  const lines = await Promise.all(
    people.map(async ({ address, password, scheme }) => {
      const hash = (await output(doveadm, ['pw', '-s', scheme, '-p', password])).trim();
      return `${address}:${hash}:5000:5000::/srv/mail/${address}::`;
    }),
  );
  const { added, problems } = await perform(importAccounts, { text: lines.join('\n') }, own.office);
  assert.deepEqual([added, problems], [people.length, []]);
  for (const { address, password } of people) {
    assert.equal((await curl(own, 'imaps', address, `${password}!`)).code, 67);
    // The first makes a hash of ours, the others are checked against it.
    for (const scheme of ['pop3s', 'imaps', 'smtps'] as const) {
      const { code, stderr } = await curl(own, scheme, address, password);
      assert.equal(code, 0, `${address}: ${stderr}`);
    }
  }
  assert.doesNotMatch(own.office.log, /pencil|\$6\$|SSHA/);
});
