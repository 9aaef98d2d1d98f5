/** A log that breaks off before its end is kept beside the database before SQLite overwrites it: nothing is lost that somebody may want to see. */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { framesNotRead } from './database-file.ts';

export const TORN_LOG = 'mail.db-wal.torn';

/** A process that is killed leaves one frame half written. */
const ONE_UNFINISHED = 1;

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
