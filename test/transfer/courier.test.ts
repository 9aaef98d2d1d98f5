import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ImportReport } from '../../src/transfer/import.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { trialOffice } from '../helpers/office.ts';

/** Courier's packages can't be installed beside Cyrus's: .ci/run unpacks its programs here. */
const COURIER = process.env['COURIER'] ?? '/opt/courier';
const IMAPD = join(COURIER, 'usr/bin/imapd');
const POP3D = join(COURIER, 'usr/lib/courier/courier/courierpop3d');

function needsCourier(t: TestContext): boolean {
  try {
    for (const program of [IMAPD, POP3D]) accessSync(program);
    return true;
  } catch {
    t.skip(`Courier is not in ${COURIER}`);
    return false;
  }
}

/** One of Courier's servers over a signed-in session, as its listener starts them; what it answers. */
async function courier(program: string, home: string, ...commands: string[]): Promise<string> {
  const environment = { AUTHENTICATED: 'anna', IMAP_KEYWORDS: '1', HOME: home };
  const server = spawn(program, ['Maildir'], { cwd: home, env: environment, stdio: ['pipe', 'pipe', 'ignore'] });
  let answers = '';
  server.stdout.setEncoding('latin1').on('data', (text: string) => (answers += text));
  server.stdin.end(commands.map((command) => `${command}\r\n`).join(''));
  await once(server, 'close');
  return answers;
}

test('a Maildir of Courier comes in with its keywords, folders and the ids that its POP3 gave', async (t) => {
  if (!needsCourier(t)) return;
  const home = await emptyFolder(t);
  const maildir = join(home, 'Maildir');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(maildir, name), { recursive: true });
  for (let n = 1; n <= 3; n++) {
    await writeFile(join(maildir, 'new', `160000000${n}.M${n}P1.host`), `From: a@b.test\nSubject: ${n}\n\nText ${n}\n`);
  }
  const imap = await courier(
    IMAPD,
    home,
    'a SELECT INBOX',
    'b CREATE "INBOX.M&APw-ller.Alt"',
    'c SUBSCRIBE "INBOX.M&APw-ller.Alt"',
    'd STORE 1 +FLAGS (work \\Flagged $Forwarded)',
    'e STORE 2 +FLAGS (\\Seen)',
    'f COPY 1:2 "INBOX.M&APw-ller.Alt"',
    'g STORE 2 +FLAGS (private)',
    'h STORE 1 -FLAGS (work)',
    'i LOGOUT',
  );
  assert.match(imap, /^i OK/m, imap);
  const listed = await courier(POP3D, home, 'UIDL', 'QUIT');
  const uidls = [...listed.matchAll(/^\d+ (\S+)\r$/gm)].map(([, uidl]) => uidl!);
  assert.equal(uidls.length, 3, listed);

  const office = await trialOffice(t, { people: ['anna'] });
  const imported = (await office.command('import', 'anna@office.test', '--from', maildir)) as ImportReport;
  assert.deepEqual(imported.skipped, []);
  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.uidl()), uidls);
  await phone.imap(async (session) => {
    const flags = async () =>
      (await session.command('FETCH 1:* FLAGS')).untagged.map((line) =>
        /FLAGS \((.*?)\)/
          .exec(line)![1]!
          .split(' ')
          .filter((flag) => flag !== '\\Recent')
          .sort()
          .join(' '),
      );
    assert.deepEqual(await flags(), ['$Forwarded \\Flagged', '\\Seen private', '']);
    await session.command('SELECT "M&APw-ller/Alt"');
    assert.deepEqual(await flags(), ['$Forwarded \\Flagged work', '\\Seen']);
    const { untagged } = await session.command('LSUB "" "M*"');
    assert.match(untagged.join('\n'), /M&APw-ller\/Alt/);
  });
});
