/**
 * The few calls on files that segments need, so that tests can put faults between us and the disk.
 *
 * All writing names its position: two appends through O_APPEND may be swapped by the thread pool, and the offsets
 * given out before would be wrong.
 */
import fs from 'node:fs';

/** A file descriptor. */
export type File = number;

export interface FileSystem {
  /** `create`: a new file, for writing; fails with EEXIST when it is there. */
  open(path: string, mode: 'read' | 'create'): Promise<File>;
  close(file: File): Promise<void>;
  /** Writes the buffers one after the other from `position`. @returns bytes written, which may be fewer than asked for */
  write(file: File, buffers: readonly Buffer[], position: number): Promise<number>;
  /** Fills `into` from `position`. @returns bytes read, which may be fewer than asked for; 0 at the end of the file */
  read(file: File, into: Uint8Array, position: number): Promise<number>;
  fdatasync(file: File): Promise<void>;
  size(path: string): Promise<number>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Names in a directory. */
  list(directory: string): Promise<string[]>;
  makeDirectory(directory: string): Promise<void>;
  /** Makes the directory's entries durable: files created, renamed and removed. */
  syncDirectory(directory: string): Promise<void>;
}

/** The operating system's files, through Node's thread pool. Callbacks where it is hot: half the cost of fs/promises. */
export const nodeFiles: FileSystem = {
  open: (path, mode) =>
    new Promise((resolve, reject) => {
      fs.open(path, mode === 'create' ? 'wx' : 'r', 0o600, (error, file) => (error ? reject(error) : resolve(file)));
    }),
  close: (file) =>
    new Promise((resolve, reject) => {
      fs.close(file, (error) => (error ? reject(error) : resolve()));
    }),
  write: (file, buffers, position) =>
    new Promise((resolve, reject) => {
      fs.writev(file, buffers, position, (error, written) => (error ? reject(error) : resolve(written)));
    }),
  read: (file, into, position) =>
    new Promise((resolve, reject) => {
      fs.read(file, into, 0, into.length, position, (error, read) => (error ? reject(error) : resolve(read)));
    }),
  fdatasync: (file) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(file, (error) => (error ? reject(error) : resolve()));
    }),
  size: async (path) => (await fs.promises.stat(path)).size,
  rename: (from, to) => fs.promises.rename(from, to),
  unlink: (path) => fs.promises.unlink(path),
  list: (directory) => fs.promises.readdir(directory),
  makeDirectory: async (directory) => {
    await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
  },
  syncDirectory: async (directory) => {
    const handle = await fs.promises.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** The disk, or what we may use of it, is full. */
export function isFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Writes all of the buffers: what a short write leaves goes out at the next position, so a full disk says ENOSPC. */
export async function writeAll(files: FileSystem, file: File, buffers: Buffer[], position: number): Promise<void> {
  let rest = buffers;
  let left = 0;
  for (const buffer of buffers) left += buffer.length;
  for (let at = position; left > 0; ) {
    const written = await files.write(file, rest, at);
    if (written === left) return;
    if (written === 0) throw new Error('a write made no progress');
    left -= written;
    at += written;
    rest = withoutFirst(rest, written);
  }
}

/** Reads until `into` is full or the file ends. @returns bytes read */
export async function readUpTo(files: FileSystem, file: File, into: Uint8Array, position: number): Promise<number> {
  let got = await files.read(file, into, position);
  while (got < into.length) {
    const more = await files.read(file, into.subarray(got), position + got);
    if (more === 0) break;
    got += more;
  }
  return got;
}

function withoutFirst(buffers: Buffer[], bytes: number): Buffer[] {
  let skip = bytes;
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i]!;
    if (skip < buffer.length) return [buffer.subarray(skip), ...buffers.slice(i + 1)];
    skip -= buffer.length;
  }
  return [];
}
