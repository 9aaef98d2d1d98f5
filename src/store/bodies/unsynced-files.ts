/**
 * The segment files that may hold bytes which are not durable, and what makes them durable.
 *
 * Invariant: what {@link UnsyncedFiles.sync} resolved for is on disk. A failed write or sync is never tried again: the kernel may have dropped
 * the pages. From then on every sync rejects.
 */
import { Refused } from '../../errors.ts';
import type { FileSystem } from './files.ts';
import type { FileWriter } from './writer.ts';

export class UnsyncedFiles {
  readonly #files: FileSystem;
  readonly #directory: string;
  readonly #isActive: (id: number) => boolean;
  /** By segment: the active one and those sealed since the last sync. */
  readonly #writers = new Map<number, FileWriter>();
  /** Those of them that took bytes in since the running sync, or the last one, began. */
  readonly #unsynced = new Set<number>();
  /** Files whose names are not durable. */
  #newNames = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failed: Error | undefined;
  /** Files being closed, and removed if they were given up. */
  readonly #closing = new Set<Promise<void>>();

  /** @param isActive  which segment takes more: its file stays open when it is durable */
  constructor(files: FileSystem, directory: string, isActive: (id: number) => boolean) {
    this.#files = files;
    this.#directory = directory;
    this.#isActive = isActive;
  }

  /** Why nothing can be written any more. */
  get failed(): Error | undefined {
    return this.#failed;
  }

  /** Bytes that are not in a file yet. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const writer of this.#writers.values()) bytes += writer.queuedBytes;
    return bytes;
  }

  /** The file of a segment, if it is one of these. */
  writer(id: number): FileWriter | undefined {
    return this.#writers.get(id);
  }

  /** A new file; its name must be made durable, too. */
  add(id: number, writer: FileWriter): void {
    this.#writers.set(id, writer);
    this.#unsynced.add(id);
    this.#newNames = true;
  }

  /** A file has taken bytes in; or it is sealed, and the next sync closes it. */
  touch(id: number): void {
    this.#unsynced.add(id);
  }

  /** Makes durable what these files took in before the call. One sync runs at a time; who comes meanwhile shares the next. @throws Refused `store.failed` */
  sync(): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(storeFailed(this.#failed));
    if (this.#next !== undefined) return this.#next;
    if (this.#unsynced.size === 0) return this.#running ?? Promise.resolve();
    if (this.#running === undefined) return this.#startSync();
    this.#next = this.#running.then(this.#startNext, this.#startNext);
    return this.#next;
  }

  /** Stops everything that writes, for good. */
  fail(error: unknown): Refused {
    const cause = error instanceof Refused ? error.cause : error;
    this.#failed ??= cause instanceof Error ? cause : new Error('writing failed', { cause });
    return storeFailed(this.#failed);
  }

  /** Closes a file that is durable or given up; with `path`, removes it. */
  closeLater(writer: FileWriter, path?: string): void {
    const closing = this.#closeNow(writer, path);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  /** Makes everything durable, if that is still possible, and closes all files. */
  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
      this.#writers.clear();
      await Promise.all(this.#closing);
    }
  }

  #startSync(): Promise<void> {
    this.#running = this.#syncNow();
    return this.#running;
  }

  readonly #startNext = (): Promise<void> => {
    this.#next = undefined;
    // The sync that failed before this one may have taken our bytes with it.
    return this.#failed === undefined ? this.#startSync() : Promise.reject(storeFailed(this.#failed));
  };

  async #syncNow(): Promise<void> {
    const ids = [...this.#unsynced];
    const newNames = this.#newNames;
    this.#unsynced.clear();
    this.#newNames = false;
    try {
      // Dies here: bytes behind the last synced end belong to no acknowledged row; recovery finds them torn or unused.
      await Promise.all(ids.map((id) => this.#writers.get(id)!.sync()));
      if (newNames) await this.#files.syncDirectory(this.#directory);
      // From here on the sender may be told that its message was taken.
    } catch (error) {
      throw this.fail(error);
    } finally {
      this.#running = undefined;
    }
    for (const id of ids) {
      if (this.#isActive(id) || this.#unsynced.has(id)) continue;
      this.closeLater(this.#writers.get(id)!);
      this.#writers.delete(id);
    }
  }

  async #closeNow(writer: FileWriter, path: string | undefined): Promise<void> {
    try {
      await writer.close();
      if (path !== undefined) await this.#files.unlink(path);
    } catch {
      // Of a durable file nothing can be lost any more; of one given up the next start removes what is left.
    }
  }
}

export function storeFailed(cause: unknown): Refused {
  const text = 'The mail server can not store anything now. Please try again later.';
  return new Refused('store.failed', text, { cause });
}
