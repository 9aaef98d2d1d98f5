/**
 * Files of segments open for reading: a table of {@link MAX_OPEN}, which the least recently used leaves first.
 *
 * A descriptor that is leased stays open when it leaves the table, whatever happens to the file's name: a reader of a segment
 * that compaction unlinks reads on to its end. So at most MAX_OPEN are open, and one more for each reader.
 */
import type { File, FileSystem } from './files.ts';
import { segmentPath } from './segment-file.ts';

export const MAX_OPEN = 64;

export interface Descriptor {
  /** Valid while leased. */
  readonly file: File;
}

interface Entry extends Descriptor {
  file: File;
  /** Resolves when `file` is set. */
  opening: Promise<void> | undefined;
  leases: number;
  /** No longer in the table: closed with its last lease. */
  dropped: boolean;
}

export class Descriptors {
  readonly #files: FileSystem;
  readonly #directory: string;
  /** By segment, the least recently used first. */
  readonly #entries = new Map<number, Entry>();
  readonly #closing = new Set<Promise<void>>();
  #closed = false;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** Leases the descriptor of a segment until {@link release}. Fails with ENOENT when the file is gone. */
  async lease(segment: number): Promise<Descriptor> {
    if (this.#closed) throw new Error('the segments are closed');
    let entry = this.#entries.get(segment);
    if (entry === undefined) {
      entry = { file: -1, opening: undefined, leases: 0, dropped: false };
      entry.opening = this.#openFile(segment, entry);
    } else this.#entries.delete(segment);
    this.#entries.set(segment, entry); // now the most recently used
    entry.leases++;
    if (this.#entries.size > MAX_OPEN) this.drop(this.#entries.keys().next().value!);
    if (entry.opening !== undefined) await entry.opening;
    return entry;
  }

  release(descriptor: Descriptor): void {
    const entry = descriptor as Entry;
    entry.leases--;
    if (entry.leases === 0 && entry.dropped) this.#close(entry);
  }

  /** Forgets a segment: because its file has been unlinked, or others are used more. */
  drop(segment: number): void {
    const entry = this.#entries.get(segment);
    if (entry === undefined) return;
    this.#entries.delete(segment);
    entry.dropped = true;
    if (entry.leases === 0) this.#close(entry);
  }

  /** Closes all files; those still leased, with their last lease. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const segment of [...this.#entries.keys()]) this.drop(segment);
    await Promise.all(this.#closing);
  }

  async #openFile(segment: number, entry: Entry): Promise<void> {
    try {
      entry.file = await this.#files.open(segmentPath(this.#directory, segment), 'read');
      entry.opening = undefined;
    } catch (error) {
      // Whoever waits for it gets the error; the next one tries again.
      if (this.#entries.get(segment) === entry) this.#entries.delete(segment);
      throw error;
    }
  }

  #close(entry: Entry): void {
    // A descriptor for reading has nothing to lose: an error of its close changes nothing for anyone.
    const closing = this.#files.close(entry.file).catch(() => undefined);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }
}
