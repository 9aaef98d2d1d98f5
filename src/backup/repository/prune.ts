/**
 * Removes snapshots that are not to be kept, and the chunks that no snapshot needs any more. For a worker; whoever has the lock to remove.
 *
 * Safe at every step: (1) manifests go, durably; (2) what the others need is marked; (3) what lives in packs that are mostly dead is copied
 * into new ones, durably; (4) packs in which nothing is needed that is not elsewhere are removed. Dies between (1) and (4): chunks too many,
 * or twice; the next prune finds them. A snapshot whose manifest can't be read may need anything: then nothing is removed.
 */
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { type ChunkId, decodeChunk, FILE_CHUNK_BYTES, type Location, mostStored } from './chunk.ts';
import { ChunkIndex, type PackFacts } from './chunk-index.ts';
import { type Layout, packsIn, snapshotsIn, syncFolder } from './layout.ts';
import { chunksOf } from './manifest.ts';
import { PACK_BYTES, packPath, readStored } from './pack.ts';
import { kept, type Retention } from './retention.ts';
import { listSnapshotIds, readManifest, snapshotFile, takenOf } from './snapshot-files.ts';
import { RepositoryWriter } from './writer.ts';

export interface PruneJob {
  readonly kind: 'prune';
  readonly layout: Layout;
  readonly retention: Retention;
}

export interface Pruned {
  readonly snapshotsRemoved: readonly string[];
  readonly snapshotsKept: number;
  readonly bytesFreed: number;
  /** Packs that can't be read, and are left as they are. */
  readonly damagedPacks: readonly string[];
}

/** A pack is rewritten when less than this part of it lives. */
const LIVE_ENOUGH = 0.5;
/** Every run ends with a pack that is not full: when so many hold less than a quarter, they are put together. */
const SMALL_BYTES = PACK_BYTES / 4;
const SMALL_PACKS = 8;

/** @throws Refused `backup.damaged`, when nothing was removed */
export async function prune(
  { layout, retention }: PruneJob,
  progress: OnProgress,
  stopped: () => boolean,
): Promise<Pruned> {
  const ids = await listSnapshotIds(layout.directory);
  for (const id of ids) {
    if ((await readManifest(layout, id)).manifest !== undefined) continue;
    throw new Refused(
      'backup.damaged',
      `The backup ${id} is damaged (${snapshotFile(id)}), so nobody knows what it needs: nothing was removed. Put a copy of that file back; if there is none, remove it.`,
    );
  }
  const keep = kept(
    ids.map((id) => ({ id, taken: takenOf(id) })),
    retention,
  );
  const snapshotsRemoved = ids.filter((id) => !keep.has(id));
  for (const id of snapshotsRemoved) await rm(join(layout.directory, snapshotFile(id)));
  await syncFolder(snapshotsIn(layout.directory));

  const live = new Set<ChunkId>();
  for (const id of keep) {
    const { manifest } = await readManifest(layout, id);
    for (const chunk of chunksOf(manifest!)) live.add(chunk);
  }
  const packs = new Map<string, PackFacts>();
  const index = await ChunkIndex.load(layout, (pack, facts) => packs.set(pack, facts));
  const { remove, rewrite } = plan(packs, index, live);

  await using writer = new RepositoryWriter(layout, index);
  for (const [done, pack] of rewrite.entries()) {
    if (stopped()) break;
    progress({ what: 'packs that are mostly dead', done, total: rewrite.length, unit: 'objects' });
    if (await copyLive(layout, writer, needed(pack, packs.get(pack)!, index, live))) remove.push(pack);
  }
  await writer.flush();
  let bytesFreed = -writer.added;
  for (const [done, pack] of remove.entries()) {
    await rm(packPath(layout.directory, pack));
    bytesFreed += packs.get(pack)!.bytes;
    progress({ what: 'dead packs', done, total: remove.length, unit: 'objects' });
  }
  await syncFolder(packsIn(layout.directory));
  return { snapshotsRemoved, snapshotsKept: keep.size, bytesFreed, damagedPacks: index.damaged };
}

/** What to remove at once, and what after its living chunks were copied. */
function plan(
  packs: ReadonlyMap<string, PackFacts>,
  index: ChunkIndex,
  live: ReadonlySet<ChunkId>,
): { remove: string[]; rewrite: string[] } {
  const remove: string[] = [];
  const rewrite: string[] = [];
  const small: string[] = [];
  for (const [pack, facts] of packs) {
    const bytes = needed(pack, facts, index, live).reduce((sum, [, { stored }]) => sum + stored, 0);
    if (bytes === 0) remove.push(pack);
    else if (bytes < facts.bytes * LIVE_ENOUGH) rewrite.push(pack);
    else if (bytes < SMALL_BYTES) small.push(pack);
  }
  return { remove, rewrite: small.length < SMALL_PACKS ? rewrite : [...rewrite, ...small] };
}

/** The chunks that some snapshot needs from this pack and from no other. */
function needed(
  pack: string,
  { entries }: PackFacts,
  index: ChunkIndex,
  live: ReadonlySet<ChunkId>,
): (readonly [ChunkId, Location])[] {
  return entries.filter(([id, { offset }]) => {
    const at = index.get(id);
    return live.has(id) && at?.pack === pack && at.offset === offset;
  });
}

/** @returns false when one of them can't be read: then their pack stays, for verify to name it */
async function copyLive(
  layout: Layout,
  writer: RepositoryWriter,
  chunks: readonly (readonly [ChunkId, Location])[],
): Promise<boolean> {
  const buffer = Buffer.allocUnsafe(mostStored(FILE_CHUNK_BYTES));
  const file = openSync(packPath(layout.directory, chunks[0]![1].pack), 'r');
  let sound = true;
  try {
    for (const [id, location] of chunks) {
      const stored = readStored(file, location, buffer);
      if (decodeChunk(layout.keys, id, location, stored) === undefined) sound = false;
      else await writer.move(id, stored);
    }
  } finally {
    closeSync(file);
  }
  return sound;
}
