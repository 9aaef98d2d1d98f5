/**
 * When the data directory can't be used as it is: told once, clearly, with the two ways out, instead of failing somewhere later.
 *
 * A database that is empty or missing beside bodies must not be opened at all: SQLite would begin a new one and throw the log away, and the
 * first recovery would remove every segment that no row points at.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { segmentIdOf } from './bodies/segment-file.ts';

/** SQLite's results that say something of the machine and not of the file: full, busy, no rights, no memory, I/O. */
const NOT_OF_THE_FILE = new Set([3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 17]);

/** @param what is wrong, as a sentence goes on after a colon */
export function damaged(directory: string, what: string, cause?: unknown): Refused {
  return new Refused(
    'store.damaged',
    `The mail store in ${directory} is damaged: ${what}. Stop here and choose. From a backup: rainmail restore server --help. ` +
      `Without one, save what can be read: rainmail verify --repair --data ${directory}`,
    cause === undefined ? undefined : { cause },
  );
}

/** True for what SQLite says when a file does not hold what it must. */
export function isOfTheFile(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code, errcode = 1 } = error as Error & { code: unknown; errcode?: number };
  return (code === 'ERR_SQLITE_ERROR' && !NOT_OF_THE_FILE.has(errcode & 0xff)) || code === 'ERR_OUT_OF_RANGE';
}

/** An error met while opening, as the refusal it means when it comes from what the file holds; any other as it is. */
export function asDamage(error: unknown, directory: string): unknown {
  return isOfTheFile(error) ? damaged(directory, `its database can’t be read (${error.message})`, error) : error;
}

/** True when there are bodies, or a log, but no database. */
export function hasLostDatabase(directory: string): boolean {
  if (sizeOf(join(directory, 'mail.db')) > 0) return false;
  return sizeOf(join(directory, 'mail.db-wal')) > 0 || hasSegments(directory);
}

/** @throws Refused `store.damaged` */
export function assertDatabase(directory: string): void {
  if (hasLostDatabase(directory)) {
    throw damaged(directory, 'its database (mail.db) is missing or empty, though it holds mail (segments/)');
  }
  if (sizeOf(join(directory, 'mail.db.salvaged')) > 0) throw damaged(directory, 'an earlier repair was interrupted');
}

/** Whether the write-ahead log is there. A process that did not end in order always leaves it. */
export function hasLog(directory: string): boolean {
  return sizeOf(join(directory, 'mail.db-wal')) > 0;
}

function hasSegments(directory: string): boolean {
  try {
    return readdirSync(join(directory, 'segments')).some((name) => segmentIdOf(name) !== null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** 0 for a file that is not there. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
