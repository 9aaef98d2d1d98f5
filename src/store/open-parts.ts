/**
 * Opening a data directory: its lock, the database, the bodies, and what must be set right before anybody is served. Whatever fails, what was
 * opened before is closed again.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { Segments } from './bodies/segments.ts';
import { ChangeEvents } from './change-events.ts';
import { asDamage, assertDatabase, hasLog } from './damage.ts';
import { DataLock } from './data-lock.ts';
import { DiskSpace, giveUpReserve, type Room } from './disk-space.ts';
import { SqliteEngine } from './engine/sqlite.ts';
import { explained, isFull } from './engine/sqlite-errors.ts';
import { type Milliseconds, nowSeconds } from './ids.ts';
import { newestSegment } from './operations/segments.ts';
import { formatPosition, type Recovered, recover } from './recovery.ts';
import { abandonedRun, assertNothingMissing, forgetRun, keepTornLog, noteRun } from './repair/torn-log.ts';
import type { TraceSettings } from './trace.ts';
import { ViewCache } from './view/view-cache.ts';

export interface StoreOptions {
  /** Made if missing, for its owner alone. */
  readonly directory: string;
  /** Who opens it, as others are told: `serve`. */
  readonly command: string;
  readonly segmentBytes?: number;
  /** Free bytes on the disk below which nothing new is taken in. */
  readonly diskWatermarkBytes?: number;
  /** How long removed messages can be restored. */
  readonly retentionDays?: number;
  /** Bytes of removed messages kept for each account; the oldest go first. */
  readonly retainedCapBytes?: number;
  /** How long it is kept who changed what. */
  readonly auditDays?: number;
  /** How long it is kept what became of messages, and what of it. */
  readonly trace?: TraceSettings;
  /** Days without a sign-in after which a POP3 device holds nothing any more. */
  readonly deviceSilentDays?: number;
  readonly cacheBytes?: number;
  /** Size of the write-ahead log at which it is written into the database. */
  readonly checkpointBytes?: number;
  /** How often purging, pruning and sweeping run by themselves. */
  readonly housekeepingEvery?: Milliseconds;
  /** Nothing will be acknowledged any more (the disk failed at a sync): say so and end the process. */
  readonly onFailure?: (error: Error) => void;
  /** The disk is nearly full, and nothing new is taken in; or it is not any more. */
  readonly onDiskSpace?: (room: Room) => void;
  /** Background work failed; nothing was lost, it will be tried again. */
  readonly onTrouble?: (what: string, error: unknown) => void;
}

/** What a store is made of. */
export interface StoreParts {
  readonly lock: DataLock;
  readonly space: DiskSpace;
  readonly segments: Segments;
  readonly engine: SqliteEngine;
  readonly views: ViewCache;
  readonly events: ChangeEvents;
  readonly recovered: Recovered;
}

/**
 * Opens the directory, makes it if need be, and recovers it after an unclean end. On a disk that is full it gives the reserve up for that: reading and
 * deleting go on.
 * @throws Refused `store.locked`, `store.newer`, `store.damaged`, `store.full`
 */
export async function openParts(options: StoreOptions): Promise<StoreParts> {
  try {
    return await openOnce(options);
  } catch (error) {
    const isDiskFull = isFull(explained(error)) || (error as NodeJS.ErrnoException).code === 'ENOSPC';
    if (!isDiskFull) throw error;
    if (await giveUpReserve(options.directory)) return openOnce(options);
    const text = `The disk of ${options.directory} is full: nothing can be opened there. Make some room on it, then try again.`;
    throw new Refused('store.full', text, { cause: error });
  }
}

async function openOnce(options: StoreOptions): Promise<StoreParts> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  await chmod(options.directory, 0o700);
  const lock = DataLock.take(options.directory, options.command);
  const onTrouble = options.onTrouble ?? (() => {});
  let opened: SqliteEngine | undefined;
  const logWasThere = hasLog(options.directory);
  try {
    assertDatabase(options.directory);
    const abandoned = await abandonedRun(options.directory);
    const framesNotRead = abandoned === undefined ? 0 : await keepTornLog(options.directory);
    const space = await DiskSpace.watch(options.directory, options.diskWatermarkBytes ?? 256 << 20, {
      onError: (error) => onTrouble('looking at the free disk space', error),
      onChange: (room) => options.onDiskSpace?.(room),
    });
    const events = new ChangeEvents();
    // The engine is opened first, since its rows know which segments have been; nothing is written before all parts stand.
    const parts: { segments?: Segments; views?: ViewCache } = {};
    const engine = await SqliteEngine.open({
      path: join(options.directory, 'mail.db'),
      syncWith: [{ sync: () => parts.segments!.sync() }],
      syncedPosition: async () => {
        const end = parts.segments!.end();
        await parts.segments!.sync();
        return formatPosition(end);
      },
      onDurable: (changes) => {
        parts.views?.changed(changes);
        events.broadcast(changes);
      },
      ...given({
        cacheBytes: options.cacheBytes,
        checkpointBytes: options.checkpointBytes,
        onFailure: options.onFailure,
      }),
    });
    opened = engine;
    if (abandoned !== undefined && !logWasThere) await assertNothingMissing(engine, abandoned, options.directory);
    const directory = join(options.directory, 'segments');
    const firstId = (await engine.read(newestSegment)) + 1;
    const segments = await Segments.open({
      directory,
      firstId,
      makeRoom: () => space.useReserve(),
      ...given({ segmentBytes: options.segmentBytes }),
    });
    const views = new ViewCache(engine, {
      directory: join(options.directory, 'views'),
      mayWrite: () => !space.low,
      onTrouble: (error) => onTrouble('keeping a view on disk', error),
    });
    parts.segments = segments;
    parts.views = views;
    const run = abandoned ?? randomUUID();
    const recovered = {
      ...(await recover(engine, segments, directory, { run, now: nowSeconds() })),
      framesNotRead,
    };
    await noteRun(options.directory, run);
    return { lock, space, segments, engine, views, events, recovered };
  } catch (error) {
    await opened?.abandon();
    // Closing, SQLite has written the log into the database and removed it: that it is gone says nothing any more.
    if (opened !== undefined && logWasThere) await forgetRun(options.directory);
    lock.release();
    throw asDamage(error, options.directory);
  }
}

/** What is given of optional settings (exactOptionalPropertyTypes knows absent from undefined). */
export function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
