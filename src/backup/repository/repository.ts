/**
 * A repository of backups, opened with its key.
 *
 *   const repository = await Repository.open(directory, key, { command: 'restore mail' });
 *   const snapshot = await repository.snapshot('latest');
 *   await snapshot.write([{ kind: 'database', path: 'scratch/mail.db' }]);
 *   const bytes = await snapshot.readSegment(12, 64, 4096);
 *   repository.close();
 *
 * Whoever has it open to read is safe from those who remove (lock.ts).
 */
import { Refused } from '../../errors.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import { ChunkIndex } from './chunk-index.ts';
import type { RepositoryKey } from './key.ts';
import { createLayout, type Layout, openLayout, removeUnfinished } from './layout.ts';
import { type LockOptions, RepositoryLock } from './lock.ts';
import type { Manifest } from './manifest.ts';
import { Snapshot } from './snapshot.ts';
import { type FoundManifest, listSnapshotIds, readManifest, snapshotFile, takenOf } from './snapshot-files.ts';

/** What is told of a snapshot without reading it. */
export interface SnapshotInfo {
  /** `20261123-220000-1a2b3c`: begins with its time in UTC. */
  readonly id: string;
  readonly taken: EpochSeconds;
  readonly version: string;
  readonly storeId: string;
  readonly databaseBytes: number;
  readonly segmentBytes: number;
  readonly segments: number;
  /** Configuration, certificates and the like. */
  readonly files: readonly string[];
  readonly run: Manifest['run'];
}

/** Which snapshot: the newest, one by its id, or the newest that was taken at a time or before. */
export type Wanted = 'latest' | { readonly id: string } | { readonly asOf: EpochSeconds };

export type OpenRepositoryOptions = Omit<LockOptions, 'use'> & { readonly use?: LockOptions['use'] };

export class Repository {
  readonly layout: Layout;
  readonly #lock: RepositoryLock;
  #index: Promise<ChunkIndex> | undefined;

  private constructor(layout: Layout, lock: RepositoryLock) {
    this.layout = layout;
    this.#lock = lock;
  }

  /** Makes a repository in an empty folder. @returns its id. @throws Refused `backup.place` */
  static async create(directory: string, key: RepositoryKey): Promise<string> {
    return (await createLayout(directory, key)).id;
  }

  /** @throws Refused `backup.missing`, `backup.key`, `backup.newer`, `backup.damaged`, `backup.busy` */
  static async open(directory: string, key: RepositoryKey, options: OpenRepositoryOptions): Promise<Repository> {
    const { use = 'read' } = options;
    const layout = await openLayout(directory, key);
    const lock = await RepositoryLock.take(directory, { ...options, use });
    try {
      if (use !== 'read') await removeUnfinished(directory);
      return new Repository(layout, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get directory(): string {
    return this.layout.directory;
  }

  get id(): string {
    return this.layout.id;
  }

  /** All snapshots that can be read, oldest first. */
  async snapshots(): Promise<SnapshotInfo[]> {
    const infos: SnapshotInfo[] = [];
    for await (const { id, manifest } of this.manifests()) if (manifest !== undefined) infos.push(infoOf(id, manifest));
    return infos;
  }

  /** All snapshots, oldest first, also those whose manifest is damaged. */
  async *manifests(): AsyncGenerator<FoundManifest, void, void> {
    for (const id of await listSnapshotIds(this.directory)) yield await readManifest(this.layout, id);
  }

  /**
   * A snapshot to read from.
   * @throws Refused `backup.missing` when there is none such; `backup.damaged` when the one that is meant can't be read: an older one is
   *   never taken in its place silently
   */
  async snapshot(wanted: Wanted): Promise<Snapshot> {
    const id = await this.#idOf(wanted);
    const { manifest } = await readManifest(this.layout, id);
    if (manifest === undefined) {
      throw new Refused(
        'backup.damaged',
        `The backup ${id} is damaged (${snapshotFile(id)}). “rainmail backup list” shows the others; name one with --backup.`,
      );
    }
    return new Snapshot(infoOf(id, manifest), manifest, this.layout, await this.index());
  }

  /** Which chunks there are. Read once. */
  index(): Promise<ChunkIndex> {
    this.#index ??= ChunkIndex.load(this.layout);
    return this.#index;
  }

  close(): void {
    this.#lock.release();
  }

  async #idOf(wanted: Wanted): Promise<string> {
    const ids = await listSnapshotIds(this.directory);
    let id: string | undefined;
    let which: string;
    if (wanted === 'latest') {
      id = ids.at(-1);
      which = 'no backup';
    } else if ('id' in wanted) {
      id = ids.find((each) => each === wanted.id);
      which = `no backup ${wanted.id}`;
    } else {
      id = ids.findLast((each) => takenOf(each) <= wanted.asOf);
      which = `no backup of ${new Date(wanted.asOf * 1_000).toISOString()} or before`;
    }
    if (id !== undefined) return id;
    throw new Refused(
      'backup.missing',
      `There is ${which} in ${this.directory}. “rainmail backup list” shows what there is.`,
    );
  }
}

function infoOf(id: string, { taken, version, storeId, database, segments, files, run }: Manifest): SnapshotInfo {
  return {
    id,
    taken,
    version,
    storeId,
    databaseBytes: database.bytes,
    segmentBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments: segments.length,
    files: files.map(({ name }) => name),
    run,
  };
}
