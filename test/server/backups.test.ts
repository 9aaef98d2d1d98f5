import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RepositoryKey } from '../../src/backup/repository/key.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import type { Status } from '../../src/server/admin/status.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';

/** How a schedule that is always due looks to a server that starts now: a backup of today was missed. */
const DUE = 'schedule = "00:00"';

async function health(
  office: TrialOffice,
): Promise<{ backup: { lastGood: string | null; failed: boolean; overdue: boolean } }> {
  const response = await fetch(`http://127.0.0.1:${office.port('health')}/health`);
  return (await response.json()) as Awaited<ReturnType<typeof health>>;
}

test('a server makes the backup that is due by itself, and tells of it', async (t) => {
  const folder = await emptyFolder(t);
  const repository = join(folder, 'repository');
  const office = await trialOffice(t, { people: ['anna'], config: `[backup]\nrepository = "${repository}"\n${DUE}` });
  await office.until(() => office.log.includes('made a backup'));

  assert.equal(await office.metric('rainmail_backup_overdue'), 0);
  assert.equal(await office.metric('rainmail_backup_failed'), 0);
  assert.ok((await office.metric('rainmail_backup_bytes')) > 100_000);
  const age = Date.now() / 1_000 - (await office.metric('rainmail_backup_last_success_timestamp_seconds'));
  assert.ok(age >= 0 && age < 600, `${age}`);
  assert.ok((await health(office)).backup.lastGood !== null);
  const { backup } = (await office.command('status')) as Status;
  assert.equal(backup.repository, repository);

  const { key } = (await office.command('backup', 'key')) as { key: string };
  assert.ok(!office.log.includes(key) && !office.log.includes(key.slice(0, 9)), 'the key is in the log');
  await office.until(() => office.log.includes('pruned the backups')); // which has the repository for itself
  const opened = await Repository.open(repository, RepositoryKey.parse(key), { command: 'test' });
  const snapshot = await opened.snapshot('latest');
  assert.deepEqual(snapshot.files.map(({ name }) => name).sort(), ['configuration/rainmail.toml', 'self-signed.pem']);
  assert.match((await snapshot.readFile('configuration/rainmail.toml')).toString(), /\[backup\]/);
  opened.close();
  assert.equal((await stat(join(office.data, 'backup.json'))).mode & 0o777, 0o600);

  // It is made, so it is not due again.
  await office.restart();
  assert.equal(((await office.command('backup', 'list')) as { snapshots: unknown[] }).snapshots.length, 1);
});

test('a backup that fails, and one that is too old, are an alarm', async (t) => {
  const folder = await emptyFolder(t);
  const repository = join(folder, 'repository');
  const office = await trialOffice(t, {
    config: `[backup]\nrepository = "${repository}"\n${DUE}\nalarmAfter = "1ms"`,
  });
  await office.until(() => office.log.includes('pruned the backups'));
  assert.equal(await office.metric('rainmail_backup_overdue'), 1);

  await rm(repository, { recursive: true }); // its disk is not mounted
  const failed = await rainmail(['backup', 'run', '--data', office.data]);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /Is its disk mounted\?[\s\S]*\(backup\.missing\)/);
  assert.ok(!existsSync(repository), 'a new repository was made where the disk should be');
  assert.equal(await office.metric('rainmail_backup_failed'), 1);
  assert.deepEqual(
    { ...(await health(office)).backup, lastGood: '' },
    { configured: true, lastGood: '', failed: true, overdue: true },
  );
  const { stdout } = await rainmail(['status', '--data', office.data]);
  assert.match(stdout, /IT IS OVERDUE\. The last try, .*, failed: There is no backup repository/);

  await office.restart();
  await office.until(() => office.log.includes('the last good backup is too old'));
});

test('backups that could never be made are an alarm at once', async (t) => {
  const folder = await emptyFolder(t);
  await writeFile(join(folder, 'holiday.jpg'), '');
  const office = await trialOffice(t, { config: `[backup]\nrepository = "${folder}"\n${DUE}` });
  await office.until(() => office.log.includes('the backup failed'));
  assert.match(office.log, /holds other things/);
  assert.equal(await office.metric('rainmail_backup_overdue'), 1);
});

test('a server whose backup settings are damaged serves mail, and raises the alarm', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  await office.stop();
  await writeFile(join(office.data, 'backup.json'), '{"repository": "/mnt');
  await office.start();
  await office.deliver({ to: 'anna', subject: 'Invoice' });
  assert.equal(await office.metric('rainmail_backup_overdue'), 1);
  const { stdout } = await rainmail(['status', '--data', office.data]);
  assert.match(stdout, /IT IS OVERDUE[\s\S]*backup\.json is damaged/);
});

test('backups by command, while the server runs', async (t) => {
  const folder = await emptyFolder(t);
  const office = await trialOffice(t, {
    people: ['anna'],
    config: '[backup]\nschedule = "off"\ntestRestore = "off"',
  });
  await office.deliver({ to: 'anna', subject: 'Invoice' });

  const none = await rainmail(['backup', 'run', '--data', office.data]);
  assert.match(none.stderr, /rainmail backup init --to[\s\S]*\(backup\.missing\)/);
  const inside = await rainmail(['backup', 'init', '--to', join(office.data, 'backups'), '--data', office.data]);
  assert.match(inside.stderr, /lies in the data directory[\s\S]*\(backup\.place\)/);
  const full = join(folder, 'full');
  await mkdir(full);
  await writeFile(join(full, 'holiday.jpg'), '');
  assert.match((await rainmail(['backup', 'init', '--to', full, '--data', office.data])).stderr, /\(backup\.place\)/);
  assert.ok(!existsSync(join(office.data, 'backup.json')));

  const repository = join(folder, 'repository');
  const { stdout } = await rainmail(['backup', 'init', '--to', repository, '--data', office.data]);
  const key = /^ {2}(([0-9A-Z]{4}-){13}[0-9A-Z]{4})$/m.exec(stdout)![1]!;
  assert.match(stdout, /WARNING: that is the disk the mail is on/);

  const made = (await office.command('backup', 'run')) as { id: string; added: number };
  assert.ok(made.added > 0);
  const again = (await office.command('backup', 'run')) as { added: number; reused: number };
  assert.ok(again.added < made.added && again.reused > 0);
  const { snapshots } = (await office.command('backup', 'list')) as { snapshots: { id: string }[] };
  assert.equal(snapshots[0]!.id, made.id);
  assert.deepEqual(((await office.command('backup', 'verify')) as { findings: unknown[] }).findings, []);
  const tested = (await office.command('backup', 'test')) as {
    messages: number;
    whole: boolean;
    findings: unknown[];
  };
  assert.deepEqual(
    { messages: tested.messages, whole: tested.whole, findings: tested.findings },
    { messages: 1, whole: true, findings: [] },
  );
  assert.deepEqual(await readdir(join(office.data, 'scratch')), []);
  const pruned = (await office.command('backup', 'prune', '--daily', '1')) as { snapshotsRemoved: string[] };
  assert.deepEqual(pruned.snapshotsRemoved, [made.id]);

  await rm(join(repository, 'packs'), { recursive: true });
  await mkdir(join(repository, 'packs'));
  const damaged = await rainmail(['backup', 'verify', '--data', office.data]);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stdout, /damaged or missing[\s\S]*can't be restored whole/);

  // Another office may go on with a repository whose key it has.
  const wrong = RepositoryKey.generate().format();
  const attach = (input: string) => rainmail(['backup', 'init', '--to', repository, '--data', office.data], { input });
  assert.match((await attach(`${wrong}\n`)).stderr, /\(backup\.key\)/);
  assert.equal((await attach(`${key}\n`)).code, 0);
  const audited = (await office.command('audit', 'list')) as { action: string }[];
  assert.ok(audited.some(({ action }) => action === 'backup.prune'));
});

test('backups by command, without a server', async (t) => {
  const folder = await emptyFolder(t);
  const office = await trialOffice(t, { people: ['anna'] });
  await office.deliver({ to: 'anna', subject: 'Invoice' });
  await office.stop();
  await office.command('backup', 'init', '--to', join(folder, 'repository'));
  const { id } = (await office.command('backup', 'run')) as { id: string };
  const { snapshots } = (await office.command('backup', 'list')) as { snapshots: { id: string }[] };
  assert.deepEqual(
    snapshots.map((snapshot) => snapshot.id),
    [id],
  );
});
