/**
 * The log that a killed process has left, before it is read.
 *
 * One that is missing means that the newest changes are. One that breaks off before its end is kept beside the database before SQLite overwrites it:
 * nothing is lost that somebody may want to see.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { nodeFiles } from '../bodies/files.ts';
import { damaged } from '../damage.ts';
import type { Engine } from '../engine/engine.ts';
import { getMeta } from '../operations/meta.ts';
import { framesNotRead } from './database-file.ts';

/** Says that a process uses the store, by the name of its run; what a killed one leaves. */
const RUNNING = 'running';
export const TORN_LOG = 'mail.db-wal.torn';

/** A process that is killed leaves one frame half written. */
const ONE_UNFINISHED = 1;

/** The run that did not end in order, if the last one did not. */
export async function abandonedRun(directory: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, RUNNING), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** From here on the log is there, and must be found by whoever comes after an end that is not in order. */
export async function noteRun(directory: string, run: string): Promise<void> {
  const file = await open(join(directory, RUNNING), 'w', 0o600);
  try {
    await file.writeFile(run);
    await file.sync();
  } finally {
    await file.close();
  }
  await nodeFiles.syncDirectory(directory);
}

/** The store was closed in order, or what was missing is told. */
export async function forgetRun(directory: string): Promise<void> {
  await rm(join(directory, RUNNING), { force: true });
}

/** Keeps the log when SQLite will not read all of it. @returns how many of its frames that are; 0 when it ends as a killed process leaves it */
export async function keepTornLog(directory: string): Promise<number> {
  const database = join(directory, 'mail.db');
  const frames = framesNotRead(database);
  if (frames <= ONE_UNFINISHED) return 0;
  const kept = join(directory, TORN_LOG);
  await pipeline(createReadStream(`${database}-wal`), createWriteStream(`${kept}.part`, { mode: 0o600 }));
  await rename(`${kept}.part`, kept);
  return frames;
}

/** The log of a killed process is always there, unless it was killed after everything was written. @throws Refused `store.damaged` */
export async function assertNothingMissing(engine: Engine, run: string, directory: string): Promise<void> {
  const end = await engine.read(async (tx) => ({ state: await getMeta(tx, 'state'), run: await getMeta(tx, 'run') }));
  if (end.state === 'closed' && end.run === run) return;
  throw damaged(directory, 'its log (mail.db-wal) is missing, and with it the newest changes');
}
