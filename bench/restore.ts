/**
 * What a restore costs: one message out of a backup of so many GB while the server's store is open, and the whole server.
 *
 *   node bench/backup.ts --gb 10 --folder DIR     makes the store and its backups
 *   node bench/restore.ts --folder DIR            restores from the newest repository there
 *
 * Each step is a process of its own, so that its memory is its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { RepositoryKey } from '../src/backup/repository/key.ts';
import { Repository } from '../src/backup/repository/repository.ts';
import { BackedUpStore } from '../src/backup/restore/backed-up-store.ts';
import { restoreMail } from '../src/backup/restore/mail.ts';
import { restoreServer } from '../src/backup/restore/server.ts';
import { sql } from '../src/store/engine/sql.ts';
import type { AccountId, Uid } from '../src/store/ids.ts';
import { emailKeyOf } from '../src/store/operations/email-key.ts';
import { INBOX } from '../src/store/operations/mailboxes.ts';
import { accountsAfter } from '../src/store/operations/purge.ts';
import { MailStore } from '../src/store/store.ts';

interface Measured {
  readonly seconds: number;
  readonly peakMb: number;
  readonly longestPauseMs: number;
  readonly bytes: number;
}

type Step = (folder: string) => Promise<Pick<Measured, 'seconds' | 'bytes'>>;

const NAME = sql<readonly [name: string]>('SELECT name FROM account WHERE account_id = ?');
const EXPIRE = sql('UPDATE retained SET expires = 1 WHERE account_id = ?');
const MESSAGE_ID = sql<readonly [messageId: string | null]>(`
  SELECT e.message_id FROM message m JOIN email e ON e.email_key = ${emailKeyOf('m')}
  WHERE m.account_id = ? AND m.mailbox_id = ? AND m.uid = ?`);
const nothing = { onProgress: () => {}, signal: new AbortController().signal };

const STEPS: Readonly<Record<string, Step>> = {
  message: (folder) =>
    withRepository(folder, async (repository) => {
      const store = await MailStore.open({ directory: join(folder, 'data'), command: 'bench' });
      try {
        const [account] = await store.engine.read((tx) => accountsAfter(tx, 0 as AccountId, 1));
        const { name, messageId, uid } = await oneOf(store, account!);
        await store.messages.expunge({ account: account!, mailbox: INBOX }, [uid]);
        await store.engine.write(async (tx) => tx.run(EXPIRE, account!));
        await store.housekeep();
        const start = performance.now();
        const snapshot = await repository.snapshot('latest');
        const backup = await BackedUpStore.open(snapshot, join(folder, 'data'), {});
        const source = await backup.account(name);
        const done = await restoreMail({ store, account: account!, backup, source }, { messageId, ...nothing });
        await backup.close();
        const seconds = (performance.now() - start) / 1e3;
        if (done.restored < 1) throw new Error(`${done.restored} messages were restored`);
        return { seconds, bytes: snapshot.info.databaseBytes + snapshot.info.segmentBytes };
      } finally {
        await store.close();
      }
    }),
  server: (folder) =>
    withRepository(folder, async (repository) => {
      const data = join(folder, 'restored');
      await rm(data, { recursive: true, force: true });
      try {
        const start = performance.now();
        const options = { data, configuration: join(data, 'restored.toml'), actor: 'the benchmark', ...nothing };
        const { bytes } = await restoreServer(await repository.snapshot('latest'), options);
        return { seconds: (performance.now() - start) / 1e3, bytes };
      } finally {
        await rm(data, { recursive: true, force: true });
      }
    }),
};

const [step, stepFolder] = process.argv.slice(2);
if (step !== undefined && step in STEPS) await perform(step, stepFolder!);
else await measure();

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { folder: { type: 'string' } } });
  if (values.folder === undefined) throw new Error('--folder DIR: the one that bench/backup.ts was given');
  const message = await run('message', values.folder);
  console.log(
    `one message out of ${(message.bytes / 1e9).toFixed(1)} GB  ${message.seconds.toFixed(2)} s; memory ${message.peakMb.toFixed(0)} MB, longest pause of the loop ${message.longestPauseMs.toFixed(0)} ms`,
  );
  const server = await run('server', values.folder);
  console.log(
    `the whole server          ${(server.bytes / 1e6 / server.seconds).toFixed(0)} MB/s (${server.seconds.toFixed(1)} s); memory ${server.peakMb.toFixed(0)} MB`,
  );
}

/** A message of an account that has a Message-ID no other one has. */
async function oneOf(store: MailStore, account: AccountId) {
  const view = await store.view({ account, mailbox: INBOX });
  const uid = view.uid(Math.floor(view.length / 2)) as Uid;
  return store.engine.read(async (tx) => ({
    uid,
    name: (await tx.get(NAME, account))![0],
    messageId: (await tx.get(MESSAGE_ID, account, INBOX, uid))![0] ?? '',
  }));
}

async function withRepository<T>(folder: string, work: (repository: Repository) => Promise<T>): Promise<T> {
  const newest = readdirSync(folder)
    .filter((name) => /^repository-\d+$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) throw new Error(`no repository in ${folder}`);
  const key = RepositoryKey.parse(await readFile(join(folder, `${newest}.key`), 'utf8'));
  const repository = await Repository.open(join(folder, newest), key, { command: 'bench' });
  try {
    return await work(repository);
  } finally {
    repository.close();
  }
}

async function run(name: string, folder: string): Promise<Measured> {
  const child = spawn(process.execPath, [import.meta.filename, name, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the step ${name} ended with ${code}`);
  return JSON.parse(out) as Measured;
}

async function perform(name: string, folder: string): Promise<void> {
  let peak = 0;
  const look = () => (peak = Math.max(peak, process.memoryUsage.rss()));
  const timer = setInterval(look, 50);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const measured = await STEPS[name]!(folder);
  delay.disable();
  clearInterval(timer);
  look();
  process.stdout.write(JSON.stringify({ ...measured, peakMb: peak / 1e6, longestPauseMs: delay.max / 1e6 }));
}
