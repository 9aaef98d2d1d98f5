/** Reads what a repository holds and checks that it is whole; changes nothing. For a worker. */
import { closeSync, openSync } from 'node:fs';
import type { OnProgress } from '../../progress.ts';
import { type ChunkId, chunkId, decodeChunk, FILE_CHUNK_BYTES, idText, mostStored } from './chunk.ts';
import { ChunkIndex, type PackFacts } from './chunk-index.ts';
import type { Layout } from './layout.ts';
import { chunksOf } from './manifest.ts';
import { packPath, readStored } from './pack.ts';
import { listSnapshotIds, readManifest, snapshotFile } from './snapshot-files.ts';

export interface VerifyJob {
  readonly kind: 'verify';
  readonly layout: Layout;
  /** Which part of the chunks to read, by chance: 1 is all of them. Manifests and the packs' indexes are always read. */
  readonly sample: number;
}

/** Something that is not as it must be. */
export interface RepositoryFinding {
  /** Below the repository: `packs/….pack`. */
  readonly object: string;
  readonly text: string;
}

export interface RepositoryVerified {
  readonly snapshots: number;
  readonly packs: number;
  readonly chunksRead: number;
  readonly bytesRead: number;
  readonly findings: readonly RepositoryFinding[];
  /** Snapshots that can't be restored whole. */
  readonly damagedSnapshots: readonly string[];
}

export async function verifyRepository(
  { layout, sample }: VerifyJob,
  progress: OnProgress,
  stopped: () => boolean,
): Promise<RepositoryVerified> {
  const findings: RepositoryFinding[] = [];
  const packs = new Map<string, PackFacts>();
  const index = await ChunkIndex.load(layout, (pack, facts) => packs.set(pack, facts));
  for (const pack of index.damaged) {
    findings.push({
      object: `packs/${pack}.pack`,
      text: 'it is cut, or its index is damaged: nothing in it can be used',
    });
  }
  const total = [...packs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const damaged = new Set<ChunkId>();
  let [done, chunksRead, bytesRead] = [0, 0, 0];
  const buffer = Buffer.allocUnsafe(mostStored(FILE_CHUNK_BYTES));
  for (const [pack, { bytes, entries }] of packs) {
    if (stopped()) break;
    const file = openSync(packPath(layout.directory, pack), 'r');
    let broken = 0;
    try {
      for (const [id, location] of entries) {
        if (sample < 1 && Math.random() >= sample) continue;
        chunksRead++;
        bytesRead += location.stored;
        const stored = readStored(file, location, buffer);
        const plain = decodeChunk(layout.keys, id, location, stored);
        if (plain !== undefined && chunkId(layout.keys, plain) === id) continue;
        broken++;
        if (index.get(id)?.pack === pack) damaged.add(id);
      }
    } finally {
      closeSync(file);
    }
    if (broken > 0) {
      findings.push({ object: `packs/${pack}.pack`, text: `${broken} of its ${entries.length} chunks are damaged` });
    }
    done += bytes;
    progress({ what: `${packs.size} packs`, done, total, unit: 'bytes' });
  }

  const ids = await listSnapshotIds(layout.directory);
  const damagedSnapshots: string[] = [];
  for (const id of ids) {
    const { manifest } = await readManifest(layout, id);
    if (manifest === undefined) {
      findings.push({ object: snapshotFile(id), text: 'it is damaged: this backup is lost' });
      damagedSnapshots.push(id);
      continue;
    }
    let [bad, first] = [0, ''];
    for (const chunk of chunksOf(manifest)) {
      if (index.has(chunk) && !damaged.has(chunk)) continue;
      if (bad++ === 0) first = idText(chunk);
    }
    if (bad === 0) continue;
    findings.push({
      object: snapshotFile(id),
      text: `${bad} chunks that it needs are damaged or missing (the first: ${first})`,
    });
    damagedSnapshots.push(id);
  }
  return {
    snapshots: ids.length,
    packs: packs.size + index.damaged.length,
    chunksRead,
    bytesRead,
    findings,
    damagedSnapshots,
  };
}
