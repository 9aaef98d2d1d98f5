/** The manifests as files: `snapshots/20261123-220000-1a2b3c.snapshot`, compressed and sealed with their own name. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { EpochSeconds } from '../../store/ids.ts';
import { isUnreadable, type Layout, namesIn, snapshotsIn, writeDurably } from './layout.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';
import { seal, unseal } from './seal.ts';

const SUFFIX = '.snapshot';
const MAGIC = Buffer.from('RAINSNAP');

export interface FoundManifest {
  readonly id: string;
  /** Undefined: its file is damaged. */
  readonly manifest: Manifest | undefined;
}

export function snapshotFile(id: string): string {
  return `snapshots/${id}${SUFFIX}`;
}

/** Ids of all snapshots, oldest first; they begin with their time in UTC. */
export async function listSnapshotIds(directory: string): Promise<string[]> {
  const names = await namesIn(snapshotsIn(directory));
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

export async function readManifest({ directory, keys }: Layout, id: string): Promise<FoundManifest> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(directory, snapshotFile(id)));
  } catch (error) {
    if (isUnreadable(error)) return { id, manifest: undefined };
    throw error;
  }
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return { id, manifest: undefined };
  const plain = unseal(keys.content, label(id), bytes.subarray(MAGIC.length));
  return { id, manifest: plain === undefined ? undefined : decodeManifest(zstdDecompressSync(plain)) };
}

/** Makes a snapshot: everything it names must be on disk. @returns its id */
export async function writeManifest({ directory, keys }: Layout, manifest: Manifest): Promise<string> {
  // Later than every other, also when two are made in one second or the clock went back: the last one made is the latest.
  const last = (await listSnapshotIds(directory)).at(-1);
  const id = newId(last === undefined ? manifest.taken : Math.max(manifest.taken, takenOf(last) + 1));
  const sealed = seal(keys.content, label(id), zstdCompressSync(encodeManifest(manifest)));
  // Dies before it has its name: chunks that no snapshot needs, which the next run uses.
  await writeDurably(snapshotsIn(directory), id + SUFFIX, [MAGIC, sealed]);
  return id;
}

/** `20261123-220000-1a2b3c` */
function newId(taken: EpochSeconds): string {
  const [date, time] = new Date(taken * 1_000).toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `${date}-${time}-${randomBytes(3).toString('hex')}`;
}

/** Seconds since 1970 that an id tells; for those whose manifest can't be read. */
export function takenOf(id: string): EpochSeconds {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(id) ?? [];
  return Math.floor(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) / 1_000);
}

function label(id: string): Buffer {
  return Buffer.from(`snapshot ${id}`);
}
