/**
 * Restores a whole server from a backup into an empty directory.
 *
 *   restoring.json       which backup is being restored; as long as it is there, no server starts on the directory
 *   segments/            bodies; a segment has its name only when it is whole and on disk
 *   *.restoring          what is just being written
 *   mail.db              comes last: with it the restore is done
 *
 * Whatever breaks it off, the same command goes on: what is there is read and checked, and only what is missing is written.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { nodeFiles } from '../../store/bodies/files.ts';
import { segmentPath } from '../../store/bodies/segment-file.ts';
import { walkRecords } from '../../store/bodies/walk.ts';
import { DataLock } from '../../store/data-lock.ts';
import type { SnapshotInfo } from '../repository/repository.ts';
import type { Snapshot, Target } from '../repository/snapshot.ts';
import { type Finished, finishDatabase } from './finish-database.ts';

export interface ServerRestoreOptions {
  /** Absolute; empty, or not there yet. */
  readonly data: string;
  /** Where the configuration goes; must not be there. */
  readonly configuration: string;
  /** For the audit. */
  readonly actor: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface ServerRestored extends Finished {
  readonly backup: string;
  readonly taken: number;
  readonly bytes: number;
  /** Segments that an earlier try had brought. */
  readonly resumed: number;
  /** Where files of the backup went. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
}

/** Segments are given their names in batches of so many bytes: what a restore that breaks off may have to do again. */
const BATCH_BYTES = 512 << 20;
const BATCH_SEGMENTS = 500;
const UNFINISHED = '.restoring';
const MARK = 'restoring.json';

/** @throws Refused `restore.place`, `backup.damaged`, `backup.stopped`, `store.locked` */
export async function restoreServer(snapshot: Snapshot, options: ServerRestoreOptions): Promise<ServerRestored> {
  const { data } = options;
  await takePlace(data, snapshot.info, options.configuration);
  const lock = DataLock.take(data, 'restore server');
  try {
    const resumed = await restoreSegments(snapshot, options);
    const files = await restoreFiles(snapshot, options);
    const database = join(data, `mail.db${UNFINISHED}`);
    await snapshot.readDatabase(database, { progress: options.onProgress, signal: options.signal });
    const finished = await finishDatabase(database, join(data, 'segments'), snapshot.info, options);
    // Dies before this: everything is there but the database's name, and the database is written again.
    await rename(database, join(data, 'mail.db'));
    await nodeFiles.syncDirectory(data);
    await rm(join(data, MARK));
    await nodeFiles.syncDirectory(data);
    const { id, taken, databaseBytes, segmentBytes } = snapshot.info;
    return { ...finished, backup: id, taken, bytes: databaseBytes + segmentBytes, resumed, files };
  } finally {
    lock.release();
  }
}

/** A restore into this directory has begun and is not finished. */
export function isRestoring(data: string): boolean {
  return existsSync(join(data, MARK));
}

/** Makes the directory, or finds the restore of the same backup that broke off there. */
async function takePlace(data: string, { id }: SnapshotInfo, configuration: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const names = await readdir(data);
  const started = names.includes(MARK) ? await readMark(data) : undefined;
  if (started === undefined && names.some((name) => !NOT_IN_THE_WAY.test(name))) {
    throw new Refused(
      'restore.place',
      `${data} is not empty (${names.slice(0, 3).join(', ')}). Restore into an empty directory: nothing is ever overwritten.`,
    );
  }
  if (started !== undefined && started !== id) {
    throw new Refused(
      'restore.place',
      `In ${data} the backup ${started} was being restored. Go on with --backup ${started}, or empty the directory.`,
    );
  }
  if (started === undefined && existsSync(configuration)) {
    throw new Refused(
      'restore.place',
      `${configuration} is there already. Name another file for the configuration: --config-to FILE.`,
    );
  }
  await chmod(data, 0o700);
  if (started === undefined) {
    await writeFile(join(data, MARK), `${JSON.stringify({ backup: id })}\n`, { mode: 0o600, flush: true });
    await nodeFiles.syncDirectory(data);
  }
}

/** Of an empty disk, and of a first try that was refused. */
const NOT_IN_THE_WAY = /^(lost\+found|lock\.db.*)$/;

/** @returns the id of the backup that was being restored; undefined when the mark itself was not written whole */
async function readMark(data: string): Promise<string | undefined> {
  const text = await readFile(join(data, MARK), 'utf8');
  const [, id] = /^\{"backup":"([^"]+)"\}\n$/.exec(text) ?? [];
  return id;
}

/** @returns how many were there already */
async function restoreSegments(
  snapshot: Snapshot,
  { data, onProgress, signal }: ServerRestoreOptions,
): Promise<number> {
  const folder = join(data, 'segments');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await nodeFiles.syncDirectory(data);
  const total = snapshot.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const missing: { readonly id: number; readonly bytes: number }[] = [];
  for (const segment of snapshot.segments) {
    if (signal.aborted) throw new Refused('backup.stopped', 'Stopped. The same command goes on where this one ended.');
    if (!(await isWhole(segmentPath(folder, segment.id), segment))) missing.push(segment);
    else {
      done += segment.bytes;
      onProgress({ what: `segment ${segment.id} is there`, done, total, unit: 'bytes' });
    }
  }
  for (const batch of batches(missing)) {
    const before = done;
    const targets = batch.map(
      ({ id }): Target => ({ kind: 'segment', id, path: `${segmentPath(folder, id)}${UNFINISHED}` }),
    );
    await snapshot.write(targets, {
      signal,
      progress: (made) => onProgress({ ...made, what: nameOf(made.what), done: before + made.done, total }),
    });
    // Dies here: whole segments without their names, written again.
    for (const { path } of targets) await rename(path, path.slice(0, -UNFINISHED.length));
    await nodeFiles.syncDirectory(folder);
    done += batch.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  return snapshot.segments.length - missing.length;
}

/** `segment 12` of `/data/segments/00000012.seg.restoring`. */
function nameOf(path: string): string {
  return `segment ${Number.parseInt(basename(path), 10)}`;
}

function* batches<T extends { readonly bytes: number }>(segments: readonly T[]): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const segment of segments) {
    if (batch.length > 0 && (bytes + segment.bytes > BATCH_BYTES || batch.length === BATCH_SEGMENTS)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(segment);
    bytes += segment.bytes;
  }
  if (batch.length > 0) yield batch;
}

/** True when an earlier try left the segment, and every record in it has its checksum. */
async function isWhole(path: string, { id, bytes }: { readonly id: number; readonly bytes: number }): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.size !== bytes) return false;
  const file = await nodeFiles.open(path, 'read');
  try {
    for await (const record of walkRecords(nodeFiles, file, id, 0, bytes)) if (!record.sound) return false;
    return true;
  } finally {
    await nodeFiles.close(file);
  }
}

/** Configuration and certificates. */
async function restoreFiles(
  snapshot: Snapshot,
  { data, configuration }: ServerRestoreOptions,
): Promise<ServerRestored['files']> {
  const files: { name: string; path: string }[] = [];
  for (const { name } of snapshot.files) {
    const path = name.startsWith('configuration/') ? configuration : placeOf(data, name);
    await writeDurably(path, await snapshot.readFile(name));
    files.push({ name, path });
  }
  return files;
}

/** Where a file of the backup goes; those that stood elsewhere have a folder in their name, which is made here. */
function placeOf(data: string, name: string): string {
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '..' || part === '.'))
    throw new Error(`a file named ${name} in a backup`);
  return parts.length === 1 ? join(data, name) : join(data, 'restored', ...parts);
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unfinished = `${path}${UNFINISHED}`;
  const file = await open(unfinished, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, path);
  await nodeFiles.syncDirectory(dirname(path));
}
