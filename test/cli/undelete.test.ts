import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RemovedListed, RemovedPurged, RemovedRestored } from '../../src/server/admin/undelete.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { MailStore } from '../../src/store/store.ts';
import { output, rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { ENVIRONMENT, MAIN } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';

const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));

const ENTRIES = sql<readonly [action: string, detail: string]>(
  "SELECT action, detail FROM audit WHERE action LIKE 'undelete.%' OR action LIKE 'hold.%' ORDER BY audit_id",
);

function listed(office: TrialOffice, ...options: string[]): Promise<RemovedListed> {
  return office.command('undelete', 'list', 'anna@office.test', ...options) as Promise<RemovedListed>;
}

function restored(office: TrialOffice, ...options: string[]): Promise<RemovedRestored> {
  return office.command('undelete', 'restore', 'anna@office.test', ...options) as Promise<RemovedRestored>;
}

function purged(office: TrialOffice, ...options: string[]): Promise<RemovedPurged> {
  return office.command('undelete', 'purge', 'anna@office.test', ...options, '--yes') as Promise<RemovedPurged>;
}

async function expunge(office: TrialOffice, subject = ''): Promise<void> {
  const [phone] = office.devices('anna', ['phone']);
  await phone.imap(async (session) => {
    const uids = await session.uids(`HEADER SUBJECT "${subject}"`);
    await session.command(`UID STORE ${uids.join()} +FLAGS.SILENT (\\Deleted)`);
    await session.command('EXPUNGE');
  });
}

async function bytesOfSegments(office: TrialOffice): Promise<number> {
  const folder = join(office.data, 'segments');
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

test('what was deleted is listed with what tells it apart, and comes back while the server runs', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  await office.deliver({ to: 'anna', subject: 'Invoice 1', from: 'shop@example.org' });
  await office.deliver({ to: 'anna', subject: '=?UTF-8?Q?Lunch=1B[2J?=' });
  await expunge(office);

  const { messages, found, bytes, leftOut } = await listed(office);
  assert.equal(found, 2);
  assert.deepEqual(leftOut, { copies: 0, drafts: 0 });
  assert.equal(messages[0]!.size + messages[1]!.size, bytes);
  const invoice = messages.find(({ subject }) => subject === 'Invoice 1')!;
  assert.equal(invoice.folder, 'INBOX');
  assert.match(invoice.from, /shop/);
  const kept = Date.parse(invoice.keptUntil!) - Date.parse(invoice.removed);
  assert.equal(kept, 14 * 86_400_000);

  const { stdout } = await rainmail([
    'undelete',
    'list',
    'anna@office.test',
    '--query',
    'invoice',
    '--data',
    office.data,
  ]);
  assert.doesNotMatch((await rainmail(['undelete', 'list', 'anna@office.test', '--data', office.data])).stdout, /\x1b/);
  const [heads, row, sum] = stdout.split('\n');
  assert.match(heads!, /^DELETED +FOLDER +DATE +FROM +SUBJECT +SIZE +ID$/);
  assert.match(row!, new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d +INBOX .* Invoice 1 .* ${invoice.id}$`));
  assert.match(sum!, /^1 message, \d+ bytes\.$/);

  const back = await restored(office, '--item', String(invoice.id));
  assert.deepEqual(back.folders, [{ path: 'INBOX', messages: 1 }]);
  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['Invoice 1']);
  const text = await rainmail(['undelete', 'restore', 'anna@office.test', '--all', '--data', office.data]);
  assert.match(text.stdout, /^1 message \(\d+ bytes\) came back to anna@office\.test: INBOX 1\.\n$/);
  assert.equal(text.code, 0);
  const nothing = await rainmail(['undelete', 'restore', 'anna@office.test', '--all', '--data', office.data]);
  assert.match(nothing.stdout, /^Nothing came back/);
  assert.equal(nothing.code, 1);
});

test('the same without a server', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  await office.deliver({ to: 'anna', subject: 'Invoice' });
  await expunge(office);
  await office.stop();
  assert.equal((await listed(office, '--since', '1h')).found, 1);
  assert.equal((await listed(office, '--since', '2999-01-01')).found, 0);
  assert.equal((await restored(office, '--since', '1h', '--to', 'Rescued')).messages, 1);
  await office.start();
  const [phone] = office.devices('anna', ['phone']);
  const { untagged } = await phone.imap((session) => session.command('STATUS Rescued (MESSAGES)'));
  assert.match(untagged.join(), /MESSAGES 1/);
});

test('without saying what, nothing is restored or purged', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  for (const command of ['restore', 'purge']) {
    const { code, stderr } = await rainmail(['undelete', command, 'anna@office.test', '--data', office.data]);
    assert.equal(code, 2, command);
    assert.match(stderr, /--all for everything/);
  }
  const both = await rainmail([
    'undelete',
    'restore',
    'anna@office.test',
    '--all',
    '--since',
    '2d',
    '--data',
    office.data,
  ]);
  assert.equal(both.code, 2);
  const when = await rainmail(['undelete', 'list', 'anna@office.test', '--since', 'yesterday', '--data', office.data]);
  assert.equal(when.code, 2);
  assert.match(when.stderr, /Write it like 2d/);
});

test('a purge asks first, and then the disk has its space back', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  for (const number of [1, 2, 3]) {
    await office.deliver({ to: 'anna', subject: `Film ${number}`, text: `${'x'.repeat(70)}\n`.repeat(4_000) });
  }
  await expunge(office, 'Film 2');
  const before = await bytesOfSegments(office);

  const unasked = await rainmail(['undelete', 'purge', 'anna@office.test', '--all', '--data', office.data]);
  assert.equal(unasked.code, 1);
  assert.match(unasked.stderr, /Purge 1 deleted message \(\d+\.\d KB\) .* --yes/s);
  const python = needsTool(t, 'python3');
  if (python === undefined) return;
  const ask = (answer: string) =>
    output(
      python,
      [
        TERMINAL,
        answer,
        process.execPath,
        MAIN,
        'undelete',
        'purge',
        'anna@office.test',
        '--all',
        '--data',
        office.data,
      ],
      { env: ENVIRONMENT },
    );
  assert.match(await ask('n'), /Nothing was done\.[^a-z]*\(directory\.invalid\)\r\n 1\n$/);
  assert.equal((await listed(office)).found, 1);
  assert.match(await ask('y'), /Purged 1 message \(\d+\.\d KB\); the disk has \d+\.\d KB back\.\r\n 0\n$/);
  assert.equal((await listed(office)).found, 0);
  assert.ok(before - (await bytesOfSegments(office)) > 280_000);
  const [phone] = office.devices('anna', ['phone']);
  assert.deepEqual(await phone.pop3((session) => session.subjects()), ['Film 1', 'Film 3']);
  assert.equal((await purged(office, '--all')).messages, 0);
});

test('a held account keeps its mail and itself, and its person sees nothing of it', async (t) => {
  const office = await trialOffice(t, { people: ['anna', 'ben'], config: '[store]\nretention = "1ms"' });
  const run = (...args: string[]) => rainmail([...args, '--data', office.data]);
  assert.match((await run('hold', 'list')).stdout, /^No account is held/);
  const held = await run('hold', 'set', 'anna@office.test', '--reason', 'case 4711');
  assert.match(held.stdout, /^anna@office\.test is held: nothing of its mail goes/);
  assert.match((await run('hold', 'set', 'anna@office.test')).stdout, /held already/);

  await office.deliver({ to: 'anna', subject: 'Evidence' });
  const [laptop, phone] = office.devices('anna', ['laptop', 'phone']);
  await laptop.pop3((session) => session.dele(1));
  await phone.imap(async (session) => {
    assert.deepEqual(await session.uids(), []);
    const { untagged } = await session.command('LIST "" "*"');
    assert.equal(untagged.length, 6, 'no folder shows it');
  });
  const { messages } = await listed(office);
  assert.deepEqual(
    messages.map(({ subject, keptUntil }) => [subject, keptUntil]),
    [['Evidence', null]],
  );
  const list = (await office.command('hold', 'list')) as { account: string; messages: number }[];
  assert.deepEqual(
    list.map(({ account, messages }) => [account, messages]),
    [['anna@office.test', 1]],
  );
  for (const args of [
    ['account', 'remove', 'anna@office.test', '--yes'],
    ['undelete', 'purge', 'anna@office.test', '--all', '--yes'],
  ]) {
    const { code, stderr } = await run(...args);
    assert.equal(code, 1);
    assert.match(stderr, /anna@office\.test is under legal hold since .*\(account\.held\)/s);
  }
  await phone.imap(async () => {}); // the person still signs in

  assert.match((await run('hold', 'release', 'anna@office.test')).stdout, /is held no more/);
  assert.match((await run('hold', 'release', 'anna@office.test')).stdout, /was not held/);
  assert.equal((await run('account', 'remove', 'anna@office.test', '--yes')).code, 0);
});

test('restoring, purging and holding leave an entry in the audit', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  await office.deliver({ to: 'anna', subject: 'Invoice' });
  await expunge(office);
  const { bytes } = await restored(office, '--query', 'invoice');
  await expunge(office);
  await purged(office, '--all');
  await office.command('hold', 'set', 'anna@office.test', '--reason', 'case 4711');
  await office.command('hold', 'release', 'anna@office.test');
  await office.stop();

  const store = await MailStore.open({ directory: office.data, command: 'test' });
  const entries = await store.engine.read(async (tx) => tx.all(ENTRIES));
  await store.close();
  assert.deepEqual(
    entries.map(([action, detail]) => [action, JSON.parse(detail)]),
    [
      ['undelete.restore', { query: 'invoice', messages: 1, bytes }],
      ['undelete.purge', { messages: 1, bytes }],
      ['hold.set', { reason: 'case 4711' }],
      ['hold.release', {}],
    ],
  );
  await office.start();
});
