/** swaks: says what one tells it to say over SMTP, submission and LMTP. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice, type Ended } from './client.ts';

async function open(t: TestContext): Promise<{ office: TrialOffice; home: ClientHome } | undefined> {
  if (!needsTool(t, 'swaks')) return undefined;
  const { office, home } = await clientOffice(t, { people: ['anna', 'ben'] });
  if (!(await home.run('swaks', ['--support'])).includes('TLS supported')) {
    t.skip("swaks has no TLS here: Perl's Net::SSLeay is not installed");
    return undefined;
  }
  return { office, home };
}

function swaks(home: ClientHome, port: number, ...args: string[]): Promise<Ended> {
  return home.try('swaks', ['--server', 'localhost', '--port', String(port), '--timeout', '30', ...args]);
}

/** Subjects in an INBOX, in order. */
async function subjects(office: TrialOffice, person: string): Promise<string[]> {
  const [laptop] = office.devices(person, ['laptop']);
  return laptop.pop3((session) => session.subjects());
}

test('swaks submits with every mechanism it has, with TLS, STARTTLS, and without on loopback', async (t) => {
  const { office, home } = (await open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  const tls = { none: [], STARTTLS: ['--tls'], implicit: ['--tls-on-connect'] };
  const sent: string[] = [];
  for (const [name, options] of Object.entries(tls)) {
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      sent.push(`By ${mechanism}, TLS: ${name}`);
      const { code, stdout } = await swaks(
        home,
        office.port(name === 'implicit' ? 'submissions' : 'submission'),
        ...options,
        ...(name === 'none' ? [] : ['--tls-verify', '--tls-ca-path', home.ca]),
        ...['--auth', mechanism, '--auth-user', office.address('anna'), '--auth-password', PASSWORD],
        ...['--from', office.address('anna'), '--to', office.address('ben'), '--header', `Subject: ${sent.at(-1)}`],
      );
      assert.equal(code, 0, stdout);
    }
  }
  assert.deepEqual(await subjects(office, 'ben'), sent);
});

test('swaks is told plainly what the office does not do', async (t) => {
  const { office, home } = (await open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  const [submission, smtp] = [office.port('submission'), office.port('smtp')];
  const signIn = (password: string) => [
    '--auth',
    'PLAIN',
    '--auth-user',
    'anna@office.test',
    '--auth-password',
    password,
  ];
  const refused = async (port: number, code: number, reply: RegExp, ...args: string[]) => {
    const ended = await swaks(home, port, ...args);
    assert.equal(ended.code, code, ended.stdout);
    assert.match(ended.stdout, reply);
  };
  // Exit codes of swaks: 23 MAIL FROM, 24 RCPT TO, 28 AUTH.
  const from = ['--from', 'anna@office.test'];
  await refused(submission, 28, /^<\*\* 535 5\.7\.8 /m, ...signIn('wrong'), ...from, '--to', 'ben@office.test');
  await refused(submission, 23, /^<\*\* 530 5\.7\.0 /m, ...from, '--to', 'ben@office.test');
  await refused(submission, 24, /^<\*\* 55[04] 5\./m, ...signIn(PASSWORD), ...from, '--to', 'someone@example.org');
  // In somebody else's name, on the envelope or in the header: 26 is the end of the data.
  const ben = ['--from', 'ben@office.test', '--to', 'ben@office.test'];
  await refused(submission, 23, /^<\*\* 550 5\.7\.1 You may not send as ben@/m, ...signIn(PASSWORD), ...ben);
  const inHeader = [...from, '--to', 'ben@office.test', '--h-From', 'Ben <ben@office.test>'];
  await refused(submission, 26, /^<\*\* 550 5\.7\.1 .* it is from ben@/m, ...signIn(PASSWORD), ...inHeader);
  await refused(smtp, 24, /^<\*\* 550 5\.1\.1 /m, '--from', 'x@example.org', '--to', 'nobody@office.test');
  await refused(smtp, 24, /^<\*\* 55[04] 5\./m, '--from', 'x@example.org', '--to', 'someone@example.org');
  assert.deepEqual(await subjects(office, 'ben'), []);
});

test('swaks pipelines, and a bad recipient does not keep the mail from the good ones', async (t) => {
  const { office, home } = (await open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  const { stdout } = await swaks(
    home,
    office.port('smtp'),
    ...['--pipeline', '--from', 'x@example.org', '--to', 'anna@office.test,nobody@office.test,ben@office.test'],
    ...['--header', 'Subject: Pipelined', '--body', '.leading dot\n..\n.\n'],
  );
  assert.match(stdout, /^<\*\* 550 5\.1\.1 /m);
  assert.match(stdout, /^<- {2}250 2\.0\.0 /m);
  assert.deepEqual(await subjects(office, 'anna'), ['Pipelined']);
  assert.deepEqual(await subjects(office, 'ben'), ['Pipelined']);
});

test('swaks hands over by LMTP, with an answer for each recipient', async (t) => {
  const { office, home } = (await open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  const { code, stdout } = await swaks(
    home,
    office.port('lmtp'),
    ...['--protocol', 'LMTP', '--from', 'x@example.org', '--to', 'anna@office.test,ben@office.test'],
    ...['--header', 'Subject: By LMTP'],
  );
  assert.equal(code, 0, stdout);
  assert.deepEqual(await subjects(office, 'anna'), ['By LMTP']);
  assert.deepEqual(await subjects(office, 'ben'), ['By LMTP']);
});
