/**
 * The backups of an office: makes them, checks them, prunes them, and knows what became of the last one. The command line asks it through
 * administrative actions; the server's schedule asks it at night (backup-schedule.ts).
 */
import { existsSync } from 'node:fs';
import { mkdir, realpath, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CONFIGURATION, otherFiles, tlsFiles } from '../backup/other-files.ts';
import { RepositoryKey } from '../backup/repository/key.ts';
import { isRepository } from '../backup/repository/layout.ts';
import type { Use } from '../backup/repository/lock.ts';
import type { Pruned } from '../backup/repository/prune.ts';
import { Repository, type SnapshotInfo } from '../backup/repository/repository.ts';
import type { Retention } from '../backup/repository/retention.ts';
import type { Snapshot } from '../backup/repository/snapshot.ts';
import type { RepositoryVerified } from '../backup/repository/verify.ts';
import { runBackup } from '../backup/run.ts';
import type { BackupMade } from '../backup/run-job.ts';
import { BACKUP_SETTINGS, type BackupSettings, readBackupSettings, writeBackupSettings } from '../backup/settings.ts';
import { inWorker } from '../backup/worker-client.ts';
import { type Config, certificateFiles } from '../config/schema.ts';
import { recordAudit } from '../directory/audit.ts';
import { Refused } from '../errors.ts';
import { segmentPath } from '../store/bodies/segment-file.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds } from '../store/ids.ts';
import { getMeta, setMeta } from '../store/operations/meta.ts';
import { MailStore } from '../store/store.ts';
import { type Finding, verifyRows } from '../store/verify/verify.ts';
import type { Run } from './admin/action.ts';
import { version } from './version.ts';

/** What became of the last ones, as the office remembers it. */
export interface BackupHistory {
  /** The last good one. */
  readonly last: (Omit<BackupMade, 'leftOut'> & { readonly repository: string }) | null;
  /** Why the last try failed, when it was after the last good one. */
  readonly failure: { readonly at: EpochSeconds; readonly text: string } | null;
}

export interface TestRestored {
  readonly at: EpochSeconds;
  /** Of the snapshot. */
  readonly id: string;
  readonly messages: number;
  /** False: there was no room for the segments; the database was checked whole and `chunksRead` chunks of the rest by chance. */
  readonly whole: boolean;
  readonly findings: readonly string[];
}

export interface BackupState extends BackupHistory {
  /** Null: no backups are made. */
  readonly repository: string | null;
  /** The last good one is older than the configuration allows. */
  readonly overdue: boolean;
  readonly tested: TestRestored | null;
}

export interface RepositoryReady {
  readonly repository: string;
  readonly id: string;
  /** For people; shown once. Null when the repository was there before and its key was given. */
  readonly key: string | null;
  /** Repository and mail stand on one disk: it dies with both. */
  readonly sameDisk: boolean;
}

export interface BackupsOptions {
  /** The data directory, absolute. */
  readonly data: string;
  readonly store: MailStore;
  readonly config: Config;
  /** The configuration file, if there is one. */
  readonly configFile: string | null;
}

/** How long to wait for another command to end: pruning takes seconds. */
const PATIENCE: Milliseconds = 10_000;
/** Which part of a repository a test restore reads when there is no room for all of it. */
const SAMPLE = 0.05;
/** Room on the disk that a test restore leaves alone. */
const SPARE_BYTES = 1 << 30;

export class Backups {
  readonly #options: BackupsOptions;
  #history: BackupHistory = { last: null, failure: null };
  #tested: TestRestored | null = null;
  #settings: BackupSettings | undefined;
  /** The settings were damaged when they were read. */
  #unreadable = false;

  private constructor(options: BackupsOptions) {
    this.#options = options;
  }

  static async open(options: BackupsOptions): Promise<Backups> {
    const backups = new Backups(options);
    const [last, tested] = await options.store.engine.read(async (tx) => [
      await getMeta(tx, 'backup.last'),
      await getMeta(tx, 'backup.tested'),
    ]);
    if (last !== undefined) backups.#history = JSON.parse(last) as BackupHistory;
    if (tested !== undefined) backups.#tested = JSON.parse(tested) as TestRestored;
    try {
      backups.#settings = await readBackupSettings(options.data);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // No reason not to serve mail; but an alarm.
      backups.#unreadable = true;
      backups.#history = { ...backups.#history, failure: { at: nowSeconds(), text: error.message } };
    }
    return backups;
  }

  /** What is known without looking into the repository. */
  state(now: number = Date.now()): BackupState {
    const { repository, alarmAfter } = this.#options.config.backup;
    const known = repository || this.#settings?.repository;
    const { last, failure } = this.#history;
    const since = Math.max(Date.parse(this.#settings?.since ?? '') || 0, (last?.taken ?? 0) * 1_000);
    // One that could never be made is an alarm at once.
    const late = since > 0 ? now - since > alarmAfter : failure !== null;
    return {
      ...this.#history,
      tested: this.#tested,
      repository: known ?? (this.#unreadable ? 'unknown' : null),
      overdue: this.#unreadable || (known !== undefined && late),
    };
  }

  /**
   * Makes a repository, or takes one that is there with its key, and remembers it for this office.
   * @param key  of a repository that is there already
   * @throws Refused `backup.place`, `backup.key`
   */
  async init(directory: string, key: RepositoryKey | null, { actor }: Pick<Run, 'actor'>): Promise<RepositoryReady> {
    const { data, store } = this.#options;
    const repository = resolve(directory);
    await assertOutside(data, repository);
    const isThere = isRepository(repository);
    if (isThere && key === null) {
      throw new Refused(
        'backup.key',
        `There is a repository in ${repository} already. To go on with it give its key (--key-file); for a new one name another folder.`,
      );
    }
    const used = isThere ? key! : (this.#settings?.key ?? RepositoryKey.generate());
    const settings: BackupSettings = { repository, key: used, since: new Date().toISOString() };
    const id = isThere ? await idOf(repository, used) : await this.#create(settings);
    if (isThere) await writeBackupSettings(data, settings);
    this.#settings = settings;
    this.#unreadable = false;
    await store.engine.write((tx) =>
      recordAudit(tx, { actor, action: 'backup.init', subject: repository, detail: { id, isThere } }, nowSeconds()),
    );
    return {
      repository,
      id,
      key: isThere ? null : used.format(),
      sameDisk: (await stat(repository)).dev === (await stat(data)).dev,
    };
  }

  /** The repository and its key, for the administrator's eyes. */
  async key({ actor }: Pick<Run, 'actor'>): Promise<{ repository: string; key: string }> {
    const { repository, key } = await this.#needed();
    await this.#audit(actor, 'backup.key', repository, {});
    return { repository, key: key.format() };
  }

  async list(): Promise<{ snapshots: SnapshotInfo[]; damaged: string[] }> {
    return this.#with('read', 'backup list', async (repository) => {
      const snapshots = await repository.snapshots();
      const damaged: string[] = [];
      for await (const { id, manifest } of repository.manifests()) if (manifest === undefined) damaged.push(id);
      return { snapshots, damaged };
    });
  }

  /** Makes a backup, now. @throws Refused `backup.*`; what it stored is used by the next one */
  async run({ progress, signal, actor }: Run): Promise<BackupMade> {
    const { data, store, config, configFile } = this.#options;
    const elsewhere = { [CONFIGURATION]: configFile, ...tlsFiles(certificateFiles(config.tls)) };
    try {
      const made = await this.#with('add', 'backup run', async (repository) => {
        const files = await otherFiles(data, elsewhere);
        const result = await runBackup({ store, files, version }, repository, { progress, signal });
        const { leftOut: _, ...last } = result;
        await this.#remember({ last: { ...last, repository: repository.directory }, failure: null });
        return result;
      });
      const { id, added, reused, milliseconds } = made;
      await this.#audit(actor, 'backup.run', id, { added, reused, milliseconds });
      return made;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (store.failure === undefined) await this.#remember({ ...this.#history, failure: { at: nowSeconds(), text } });
      throw error;
    }
  }

  /** @param sample  part of the chunks to read, by chance: 1 is all */
  verify(sample: number, { progress, signal }: Pick<Run, 'progress' | 'signal'>): Promise<RepositoryVerified> {
    return this.#with('read', 'backup verify', ({ layout }) =>
      inWorker({ kind: 'verify', layout, sample }, { progress, signal }),
    );
  }

  /** Removes what is not to be kept. */
  async prune(retention: Partial<Retention>, { progress, signal, actor }: Run): Promise<Pruned> {
    const { keepDaily, keepWeekly, keepMonthly } = this.#options.config.backup;
    const keep: Retention = { daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly, ...retention };
    return this.#with('remove', 'backup prune', async ({ layout, directory }) => {
      await this.#audit(actor, 'backup.prune', directory, { ...keep }); // before: it destroys
      return inWorker({ kind: 'prune', layout, retention: keep }, { progress, signal });
    });
  }

  /**
   * Restores the newest backup into a scratch folder of the data directory, checks it as `rainmail verify` does, and removes it. Without room
   * for all of it: the database alone, and a part of the repository's objects.
   */
  async test({ progress, signal, actor }: Run): Promise<TestRestored> {
    const tested = await this.#with('read', 'backup test', async (repository) => {
      const snapshot = await repository.snapshot('latest');
      const { databaseBytes, segmentBytes } = snapshot.info;
      const { bavail, bsize } = await statfs(this.#options.data);
      const room = bavail * bsize - SPARE_BYTES - this.#options.config.store.reserve;
      const whole = databaseBytes + segmentBytes < room;
      try {
        if (!whole && databaseBytes >= room) {
          throw new Refused('backup.full', 'There is no room on the disk to try a restore, not even of the database.');
        }
        const verified = await this.#restoreAndVerify(snapshot, whole, { progress, signal });
        const sampled = whole
          ? { findings: [] }
          : await inWorker({ kind: 'verify', layout: repository.layout, sample: SAMPLE }, { progress, signal });
        const findings = [
          ...verified.findings.map(({ account, text }) => (account === undefined ? text : `${account}: ${text}`)),
          ...sampled.findings.map(({ object, text }) => `${object}: ${text}`),
        ];
        return { at: nowSeconds(), id: snapshot.info.id, messages: verified.messages, whole, findings };
      } finally {
        await rm(this.#scratch, { recursive: true, force: true });
      }
    });
    this.#tested = tested;
    await this.#options.store.engine.write(async (tx) => {
      await setMeta(tx, 'backup.tested', JSON.stringify({ ...tested, findings: tested.findings.slice(0, 20) }));
      const detail = { messages: tested.messages, whole: tested.whole, findings: tested.findings.length };
      await recordAudit(tx, { actor, action: 'backup.test', subject: tested.id, detail }, nowSeconds());
    });
    return tested;
  }

  /** The key is kept before anything is sealed with it: a repository whose key is nowhere would be of no use. */
  async #create(settings: BackupSettings): Promise<string> {
    const { data } = this.#options;
    await writeBackupSettings(data, settings);
    try {
      return await Repository.create(settings.repository, settings.key);
    } catch (error) {
      if (this.#settings === undefined) await rm(join(data, BACKUP_SETTINGS));
      else await writeBackupSettings(data, this.#settings);
      throw error;
    }
  }

  async #restoreAndVerify(
    snapshot: Snapshot,
    whole: boolean,
    { progress, signal }: Pick<Run, 'progress' | 'signal'>,
  ): Promise<{ readonly messages: number; readonly findings: readonly Finding[] }> {
    const segments = join(this.#scratch, 'segments');
    await rm(this.#scratch, { recursive: true, force: true });
    await mkdir(segments, { recursive: true, mode: 0o700 });
    const database = { kind: 'database' as const, path: join(this.#scratch, 'mail.db') };
    const bodies = whole
      ? snapshot.segments.map(({ id }) => ({ kind: 'segment' as const, id, path: segmentPath(segments, id) }))
      : [];
    await snapshot.write([database, ...bodies], { progress, signal });
    if (!whole) {
      const findings: Finding[] = [];
      const { messages } = await verifyRows(database.path, (found) => void findings.push(...found));
      return { messages, findings };
    }
    const restored = await MailStore.open({ directory: this.#scratch, command: 'backup test', diskWatermarkBytes: 0 });
    try {
      return await restored.verify();
    } finally {
      await restored.close();
    }
  }

  /** In the data directory, so that its owner alone can look into it; what a crash leaves there goes at the next start (office.ts). */
  get #scratch(): string {
    return join(this.#options.data, 'scratch', 'test-restore');
  }

  async #with<T>(use: Use, command: string, work: (repository: Repository) => Promise<T>): Promise<T> {
    const { repository: directory, key } = await this.#needed();
    const repository = await Repository.open(directory, key, { use, command, patience: PATIENCE });
    try {
      return await work(repository);
    } finally {
      repository.close();
    }
  }

  /** The repository of this office; the configured one is made when it is named for the first time. */
  async #needed(): Promise<BackupSettings> {
    const { repository } = this.#options.config.backup;
    this.#settings = await readBackupSettings(this.#options.data); // a command may have changed it
    if (repository !== '' && repository !== this.#settings?.repository) {
      // Another folder than before: the repository that was moved there, or a new one with the same key.
      const key = isRepository(repository) ? (this.#settings?.key ?? null) : null;
      await this.init(repository, key, { actor: 'the configuration' });
    }
    if (this.#settings === undefined) {
      throw new Refused(
        'backup.missing',
        'No backups are made yet. Make a repository on another disk: rainmail backup init --to /mnt/backup/rainmail',
      );
    }
    return this.#settings;
  }

  async #remember(history: BackupHistory): Promise<void> {
    this.#history = history;
    await this.#options.store.engine.write((tx) => setMeta(tx, 'backup.last', JSON.stringify(history)));
  }

  #audit(actor: string, action: string, subject: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#options.store.engine.write((tx) => recordAudit(tx, { actor, action, subject, detail }, nowSeconds()));
  }
}

async function idOf(directory: string, key: RepositoryKey): Promise<string> {
  const repository = await Repository.open(directory, key, { command: 'backup init' });
  repository.close();
  return repository.id;
}

/** A backup inside what it backs up would die with it, and contain itself. */
async function assertOutside(data: string, repository: string): Promise<void> {
  let existing = repository;
  while (!existsSync(existing)) existing = dirname(existing);
  const real = join(await realpath(existing), repository.slice(existing.length));
  const inside = `${real}${sep}`.startsWith(`${await realpath(data)}${sep}`);
  if (inside) {
    throw new Refused(
      'backup.place',
      `${repository} lies in the data directory, and would die with it: name a folder on another disk.`,
    );
  }
}
