/**
 * A data directory of every released version is opened, upgraded, verified and served by this program, with everything that was in it.
 * `npm run release-data` adds one at each release (CONTRIBUTING.md). Kept are both ends of a run: one in order, and one by SIGKILL.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NEWEST_VERSION } from '../../src/store/schema/migrations.ts';
import { MailStore } from '../../src/store/store.ts';
import { buildDisk } from '../crash/disk.ts';
import { rainmailProcess } from '../helpers/command-line.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { officeOn, rainmail } from '../helpers/office.ts';
import { ENVIRONMENT, MAIN, ServerProcess } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';
import { readContents } from './contents.ts';
import type { Held, Release } from './release.ts';

const DATA = fileURLToPath(new URL('data/', import.meta.url));
const RELEASES = globSync('*.json', { cwd: DATA })
  .sort()
  .map((file) => JSON.parse(readFileSync(join(DATA, file), 'utf8')) as Release);
const ENDS = ['clean', 'killed'] as const;
/** How much later each kill comes than the one before. More kills: RAINMAIL_UPGRADE_STEP=1.1. */
const STEP = Number(process.env['RAINMAIL_UPGRADE_STEP'] ?? 2);

test('data of released versions is kept', () => assert.ok(RELEASES.length > 0));

for (const release of RELEASES) {
  for (const end of ENDS) {
    const held = release[end];
    const what = `${release.version}, ${end === 'clean' ? 'ended in order' : 'killed'}`;

    test(`an office of ${what}: upgraded, whole, and nothing of it is lost`, async (t) => {
      const data = await unpack(t, release, end);
      if (data === undefined) return;
      const upgraded = await upgrade(data);
      assert.deepEqual(upgraded.findings, []);
      assert.equal(upgraded.clean, end === 'clean');
      assert.equal(upgraded.messagesRemoved, 0);
      assert.deepEqual(retained(data), held.retained);
      assert.deepEqual(groups(data), sorted(release.groups));

      const before = everyRow(data);
      await upgrade(data);
      assert.deepEqual(everyRow(data), before, 'a second start changed something');
    });

    test(`an office of ${what}: served to its people as it was`, async (t) => {
      const data = await unpack(t, release, end);
      if (data === undefined) return;
      const office = await officeOn(t, data);
      const ports = { imap: office.port('imap'), pop3: office.port('pop3') };
      assert.deepEqual(await readContents(ports, release.people, release.password), held.contents);
      for (const name of release.suspended) await assert.rejects(readContents(ports, [name], release.password));
      await assertGoesOn(office, release, held);
    });
  }

  test(`an upgrade of ${release.version} that is killed at any moment is whole or not begun`, async (t) => {
    const folder = await emptyFolder(t);
    const original = await unpack(t, release, 'killed');
    const disk = buildDisk(t, folder);
    if (original === undefined || disk === undefined) return;
    let killed = 0;
    for (let calls = 1; ; calls = Math.ceil(calls * STEP)) {
      const data = join(folder, `after-${calls}`);
      await cp(original, data, { recursive: true });
      const died = await dyingAfter(disk, data, calls);
      // Versions are told by the copy of what the disk holds, so that looking changes nothing.
      const version = schemaOf(data);
      assert.ok(version >= 1 && version <= NEWEST_VERSION, `${version}`);
      assert.deepEqual((await upgrade(data)).findings, [], `killed after ${calls} calls`);
      assert.deepEqual(retained(data), release.killed.retained);
      if (!died) break;
      killed++;
    }
    t.diagnostic(`${killed} kills`);
    assert.ok(killed > 3);
  });
}

test('a store of a newer version is refused with the way out, and left as it is', async (t) => {
  // By this program, with the mark that the next one will leave: an older program can't be run here.
  const data = join(await emptyFolder(t), 'data');
  await rainmail(['account', 'add', 'eva@example.org', '--generate', '--data', data]);
  const database = new DatabaseSync(join(data, 'mail.db'));
  database.exec(`INSERT INTO migration (version, name, applied) VALUES (${NEWEST_VERSION + 1}, 'later', 1)`);
  database.close();
  const before = everyRow(data);
  for (const command of [['verify'], ['status'], ['serve']]) {
    const { code, stderr } = await rainmailProcess([...command, '--data', data]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /was written by a newer Rainmail .* Install that version or a later one\.\n {2}\(store\.newer\)/,
    );
  }
  assert.deepEqual(everyRow(data), before);
});

/** What comes now finds its place behind what was there: aliases work, UIDs go on. */
async function assertGoesOn(office: Awaited<ReturnType<typeof officeOn>>, release: Release, held: Held): Promise<void> {
  const ports = { imap: office.port('imap'), pop3: office.port('pop3') };
  const aliases = Object.entries(release.aliases).filter(([alias]) => /^[!-~]+$/.test(alias)); // others need SMTPUTF8
  for (const [alias] of aliases) await office.deliver({ to: alias });
  const now = await readContents(ports, release.people, release.password);
  for (const [person, { folders }] of Object.entries(held.contents)) {
    const before = folders.find(({ name }) => name === 'INBOX')!;
    const inbox = now[person]!.folders.find(({ name }) => name === 'INBOX')!;
    const added = aliases.filter(([, people]) => people.includes(person)).length;
    assert.deepEqual(
      inbox.messages.slice(before.messages.length).map(({ uid }) => uid),
      Array.from({ length: added }, (_, index) => before.uidnext + index),
      person,
    );
    assert.deepEqual(inbox.messages.slice(0, before.messages.length), before.messages);
  }
}

async function unpack(t: TestContext, { version }: Release, end: (typeof ENDS)[number]): Promise<string | undefined> {
  const tar = needsTool(t, 'tar');
  if (tar === undefined) return undefined;
  const folder = await emptyFolder(t);
  await mkdir(folder, { recursive: true });
  execFileSync(tar, ['-C', folder, '-xzf', join(DATA, `${version}.tar.gz`), end]);
  return join(folder, end);
}

/** Opens the store as the server does, verifies it, and closes it. */
async function upgrade(data: string) {
  const store = await MailStore.open({ directory: data, command: 'test' });
  try {
    const { findings } = await store.verify();
    return { ...store.recovered, findings };
  } finally {
    await store.close();
  }
}

/** Runs a server that is killed after so many calls on its files. @returns false when it was ready before */
async function dyingAfter(disk: string, data: string, calls: number): Promise<boolean> {
  const env = {
    ...ENVIRONMENT,
    LD_PRELOAD: disk,
    DISK_FOLDER: data,
    DISK_LOG: '/dev/null',
    DISK_DIE_AFTER: `${calls}`,
  };
  const args = [MAIN, 'verify', '--data', data];
  const process_ = new ServerProcess(process.execPath, args, { env: { ...env, UV_USE_IO_URING: '0' } });
  return (await process_.end()) === null;
}

function ask<Row>(data: string, query: string): Row[] {
  const database = new DatabaseSync(join(data, 'mail.db'), { readOnly: true });
  try {
    return database.prepare(query).all() as Row[];
  } finally {
    database.close();
  }
}

function schemaOf(data: string): number {
  return ask<{ version: number }>(data, 'SELECT max(version) AS version FROM migration')[0]!.version;
}

function retained(data: string): Record<string, number> {
  const rows = ask<{ name: string; count: number }>(
    data,
    'SELECT a.name, count(*) AS count FROM retained r JOIN account a USING (account_id) GROUP BY a.name',
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

function groups(data: string): Record<string, string[]> {
  const rows = ask<{ name: string; person: string }>(
    data,
    `SELECT g.name, a.name AS person FROM person_group g JOIN membership USING (group_id) JOIN person USING (person_id)
     JOIN account a USING (account_id) ORDER BY 1, 2`,
  );
  const found: Record<string, string[]> = {};
  for (const { name, person } of rows) {
    found[name] ??= [];
    found[name].push(person);
  }
  return found;
}

function sorted(members: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(members).map(([name, people]) => [name, [...people].sort()]));
}

/** Every row of every table, but for the marks that each start leaves. */
function everyRow(data: string): Record<string, unknown[]> {
  const tables = ask<{ name: string }>(data, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      ask(data, `SELECT * FROM ${name} ${name === 'meta' ? "WHERE name NOT IN ('synced', 'checkpoint', 'run')" : ''}`),
    ]),
  );
}
