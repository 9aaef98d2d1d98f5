/**
 * What a disk may hold after its power was cut.
 *
 * Of each file, what was written before the start of the last sync that had ended is there. Of what was written later each page of
 * {@link PAGE_BYTES} is there or not, by chance, whatever the order. The same with names: a file that was made, renamed or removed
 * is so for certain when its directory was synced afterwards (fsync of a file says nothing of its name).
 *
 * Not modelled: tearing within a page, disks that lie about syncs.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiskEvent } from './disk-log.ts';
import type { Random } from './random.ts';

const PAGE_BYTES = 4_096;

/** Files by their path below the data directory; directories are left out. */
export type Files = ReadonlyMap<string, Buffer>;

export interface PowerCut {
  /** How many events of the log had happened. */
  readonly after: number;
  /** The probability with which each page, and each name, survives that was not synced. */
  readonly survival: number;
  readonly random: Random;
  /** A disk that lies: syncs of these paths count for nothing. `.` is the data directory itself. */
  readonly ignoresSync?: (path: string) => boolean;
}

interface File {
  /** Its newest name. */
  path: string;
  readonly before: Buffer;
  readonly writes: { readonly at: number; readonly event: DiskEvent & { kind: 'write' | 'truncate' } }[];
  /** What came before this place in the log is on disk. */
  synced: number;
}

interface NameChange {
  readonly at: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly file: File;
}

/** Reads the files of a directory and of those below it; memory-mapped ones and sockets are not data. */
export function readFiles(directory: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name.endsWith('-shm') || entry.name === 'reserve') continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(directory.length + 1), readFileSync(path));
  }
  return files;
}

export function writeFiles(directory: string, files: Files): void {
  mkdirSync(join(directory, 'segments'), { recursive: true });
  for (const [path, content] of files) writeFileSync(join(directory, path), content);
}

/** The files of a disk whose power was cut. @param before  what was surely on it when the log began */
export function imageOf(before: Files, events: readonly DiskEvent[], cut: PowerCut): Map<string, Buffer> {
  const { names, syncedNames } = replay(before, events, cut);
  const image = new Map<string, File>();
  for (const [path, content] of before) image.set(path, names.first.get(path) ?? fileOf(path, content));
  for (const { at, from, to, file } of names.changes) {
    const directory = dirname(to ?? from!);
    if (at >= (syncedNames.get(directory) ?? -1) && !cut.random.chance(cut.survival)) continue;
    // What was lost under its old name can have no new one.
    if (from !== null && image.get(from) !== file) continue;
    if (from !== null) image.delete(from);
    if (to !== null) image.set(to, file);
  }
  return new Map([...image].map(([path, file]) => [path, contentOf(file, cut)]));
}

function fileOf(path: string, before: Buffer): File {
  return { path, before, writes: [], synced: -1 };
}

/** Follows the log up to the cut: which file had which name, what was written into it, and what was synced. */
function replay(before: Files, events: readonly DiskEvent[], { after, ignoresSync = () => false }: PowerCut) {
  const current = new Map<string, File>();
  for (const [path, content] of before) current.set(path, fileOf(path, content));
  const first = new Map(current);
  const changes: NameChange[] = [];
  const syncedNames = new Map<string, number>();
  const opened = new Map<number, File | string>(); // a string: a directory
  const syncs = new Map<number, { at: number; target: File | string }>();
  for (const [at, event] of events.slice(0, after).entries()) {
    switch (event.kind) {
      case 'open': {
        let file = current.get(event.path);
        if (file === undefined && event.creates) {
          file = fileOf(event.path, Buffer.alloc(0));
          current.set(event.path, file);
          changes.push({ at, from: null, to: event.path, file });
        } else if (file !== undefined && event.truncates) {
          file.writes.push({ at, event: { kind: 'truncate', file: event.file, size: 0 } });
        }
        opened.set(event.file, file ?? (event.path === '' ? '.' : event.path));
        break;
      }
      case 'write':
      case 'truncate': {
        const file = opened.get(event.file);
        if (typeof file === 'object') file.writes.push({ at, event });
        break;
      }
      case 'sync':
        syncs.set(event.number, { at, target: opened.get(event.file)! });
        break;
      case 'synced': {
        const { at: start, target } = syncs.get(event.number)!;
        if (ignoresSync(typeof target === 'string' ? target : target.path)) break;
        if (typeof target === 'string') syncedNames.set(target, Math.max(start, syncedNames.get(target) ?? -1));
        else target.synced = Math.max(start, target.synced);
        break;
      }
      case 'rename': {
        const file = current.get(event.from)!;
        current.delete(event.from);
        current.set(event.to, file);
        file.path = event.to;
        changes.push({ at, from: event.from, to: event.to, file });
        break;
      }
      case 'unlink': {
        const file = current.get(event.path)!;
        current.delete(event.path);
        changes.push({ at, from: event.path, to: null, file });
        break;
      }
      case 'journal':
        break;
    }
  }
  return { names: { first, changes }, syncedNames };
}

function contentOf({ before, writes, synced }: File, { survival, random }: PowerCut): Buffer {
  let most = before.length;
  for (const { event } of writes) if (event.kind === 'write') most = Math.max(most, event.offset + event.data.length);
  const content = Buffer.alloc(most);
  before.copy(content);
  let size = before.length;
  for (const { at, event } of writes) {
    const isSynced = at < synced || (event.kind === 'write' && event.inStep);
    if (event.kind === 'truncate') {
      if (!isSynced && !random.chance(survival)) continue;
      content.fill(0, event.size, Math.max(size, event.size));
      size = event.size;
      continue;
    }
    for (let from = 0; from < event.data.length; ) {
      const to = Math.min(event.data.length, from + PAGE_BYTES - ((event.offset + from) % PAGE_BYTES));
      if (isSynced || random.chance(survival)) {
        event.data.copy(content, event.offset + from, from, to);
        size = Math.max(size, event.offset + to);
      }
      from = to;
    }
  }
  return content.subarray(0, size);
}
