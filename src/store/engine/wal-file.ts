/**
 * The write-ahead log's file, synced by ourselves outside the event loop.
 *
 * fdatasync works on the file, not on the descriptor: ours covers what SQLite wrote before it started. Opening and closing `-wal` is
 * harmless (SQLite never locks it), unlike the database file and `-shm`. SQLite unlinks the file only when the last connection
 * closes, so the descriptor is opened after the first statement and closed before the connection.
 */
import { close, fdatasync, fstatSync, open, statSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Syncable } from './durability.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fdatasync);

export class WalFile implements Syncable {
  readonly #path: string;
  readonly #descriptor: number;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  static async open(databasePath: string): Promise<WalFile> {
    const path = `${databasePath}-wal`;
    return new WalFile(path, await openFile(path, 'r+'));
  }

  sync(): Promise<void> {
    return syncFile(this.#descriptor);
  }

  /** @throws when the path leads to another file than ours: syncing ours would promise what it can't keep. */
  assertSame(): void {
    const ours = fstatSync(this.#descriptor);
    const named = statSync(this.#path);
    if (ours.nlink === 0 || ours.ino !== named.ino)
      throw new Error('the write-ahead log was replaced while it was in use');
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }
}
