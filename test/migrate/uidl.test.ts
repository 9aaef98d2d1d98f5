/** POP3 programs that know what they have fetched from the old server download nothing again. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { type ClientHome, clientOffice } from '../clients/client.ts';
import { subjectOf } from '../clients/maildir.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { corpus } from '../message/corpus.ts';
import { OLD_PASSWORD, type OldServer, oldDovecot } from './dovecot.ts';
import { migrate, moveIn, pop3Ids } from './moving.ts';
import { plain } from './old-mail.ts';

/** The same name and host there and here: that is by what programs keep their ids. */
const USER = 'anna@office.test';

interface Program {
  readonly tool: string;
  /** Fetches what it does not have, and leaves it there. */
  fetch(home: ClientHome, port: number, password: string): Promise<void>;
}

const mpop: Program = {
  tool: 'mpop',
  async fetch(home, port, password) {
    const config = await home.file(
      'mpoprc',
      `account default
host localhost
port ${port}
user ${USER}
password "${password}"
auth user
tls off
uidls_file ~/uidls
keep on
received_header off
delivery mda "cat > $(mktemp ${home.path('mail')}/XXXXXXXX)"
`,
    );
    await home.run('mpop', ['-C', config, '--half-quiet']);
  },
};

const fetchmail: Program = {
  tool: 'fetchmail',
  async fetch(home, port, password) {
    const config = await home.file(
      'fetchmailrc',
      `set invisible
set no bouncemail
poll localhost protocol pop3 port ${port} uidl no dns:
  user "${USER}" password "${password}" sslproto ""
  keep no rewrite
  mda "cat > $(mktemp mail/XXXXXXXX)"
`,
    );
    const { code, stdout, stderr } = await home.try('fetchmail', ['-f', config]);
    assert.ok(code === 0 || code === 1, `fetchmail ended with ${code}:\n${stdout}${stderr}`); // 1: there was no mail
  },
};

interface Moving {
  readonly office: TrialOffice;
  readonly old: OldServer;
  readonly home: ClientHome;
  readonly fetched: () => Promise<number>;
}

async function movingOffice(t: TestContext, program: Program): Promise<Moving | undefined> {
  if (needsTool(t, program.tool) === undefined) return undefined;
  const old = await oldDovecot(t);
  if (old === undefined) return undefined;
  const there = await old.client(t, USER);
  for (const { bytes } of corpus().slice(0, 40)) await there.append('INBOX', bytes);
  for (let index = 10; index < 30; index += 1) await there.append('INBOX', plain(`same size ${index}`));
  const { office, home } = await clientOffice(t);
  await mkdir(home.path('mail'));
  return { office, old, home, fetched: async () => (await readdir(home.path('mail'))).length };
}

for (const program of [mpop, fetchmail]) {
  for (const how of program === mpop
    ? (['--uidl-from', '--uidl-format', 'pop3'] as const)
    : (['--uidl-from'] as const)) {
    test(`${program.tool} downloads nothing again after a move (${how})`, async (t) => {
      const moving = await movingOffice(t, program);
      if (moving === undefined) return;
      const { office, old, home, fetched } = moving;
      await program.fetch(home, old.pop3, OLD_PASSWORD);
      const before = await fetched();
      assert.equal(before, 60, `${before} messages fetched from the old server`);

      const imap = `imap://${USER}@127.0.0.1:${old.imap}`;
      const pop3 = `pop3://${USER}@127.0.0.1:${old.pop3}`;
      if (how === '--uidl-from') await moveIn(office, imap, how, pop3);
      else if (how === '--uidl-format') await moveIn(office, imap, how, 'dovecot');
      else await moveIn(office, pop3);

      await program.fetch(home, office.port('pop3'), PASSWORD);
      assert.equal(await fetched(), before, 'nothing is downloaded again');
      await office.deliver({ to: 'anna', subject: 'the first here' });
      await program.fetch(home, office.port('pop3'), PASSWORD);
      const names = await readdir(home.path('mail'));
      const subjects = await Promise.all(
        names.map(async (name) => subjectOf(await readFile(home.path('mail', name), 'latin1'))),
      );
      assert.equal(names.length, before + 1);
      assert.ok(subjects.includes('the first here'));
    });
  }
}

test('ids are matched by header where a maildrop holds other messages than the INBOX, and in another run', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  const there = await old.client(t, USER);
  // All of one size: nothing but their headers tells them apart.
  for (let index = 10; index < 40; index += 1) await there.append('INBOX', plain(`same size ${index}`));
  const { office } = await clientOffice(t);
  const imap = `imap://${USER}@127.0.0.1:${old.imap}`;
  // A maildrop with some of them: another person's at the old server, who got copies.
  const copy = await old.client(t, 'copy');
  for (const index of [35, 12, 20]) await copy.append('INBOX', plain(`same size ${index}`));
  const ids = await pop3Ids(old.pop3, 'copy', OLD_PASSWORD);
  await there.append('INBOX', plain('of its own size'));

  const ended = await migrate(
    office,
    USER,
    '--from',
    imap,
    '--insecure',
    '--uidl-from',
    `pop3://copy@127.0.0.1:${old.pop3}`,
  );
  assert.equal(ended.code, 0, ended.stderr);

  const here = await pop3Ids(office.port('pop3'), USER, PASSWORD);
  assert.deepEqual([here[25], here[2], here[10]], ids);
  assert.match(JSON.parse(ended.stdout)[0].notes.join(), /28 messages of INBOX are not in the POP3 maildrop/);
});

test('a format that is not how the source makes its ids brings nothing', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  await (await old.client(t, USER)).append('INBOX', plain('one'));
  const { office } = await clientOffice(t);
  const from = ['--from', `imap://${USER}@127.0.0.1:${old.imap}`, '--uidl-from', `pop3://127.0.0.1:${old.pop3}`];
  const ended = await migrate(office, USER, ...from, '--insecure', '--uidl-format', 'cyrus');
  assert.equal(ended.code, 1);
  assert.equal(JSON.parse(ended.stdout)[0].error.code, 'source.unusable');
  assert.deepEqual(await pop3Ids(office.port('pop3'), USER, PASSWORD), []);
});
