/** Which chunks a repository has, and where: read from the packs' own indexes, so that there is nothing which could disagree with them. */
import type { ChunkId, Location } from './chunk.ts';
import type { Layout } from './layout.ts';
import { listPacks, readPackIndex } from './pack.ts';

/** Packs looked at together. */
const LANES = 16;

export interface PackFacts {
  readonly bytes: number;
  readonly entries: readonly (readonly [id: ChunkId, location: Location])[];
}

export class ChunkIndex {
  readonly #locations = new Map<ChunkId, Location>();
  /** Packs whose index can't be read: cut, damaged, or not ours. What they hold counts as missing. */
  readonly damaged: readonly string[];

  private constructor(damaged: readonly string[]) {
    this.damaged = damaged;
  }

  /** @param onPack  is told of every sound pack */
  static async load(layout: Layout, onPack: (pack: string, facts: PackFacts) => void = () => {}): Promise<ChunkIndex> {
    const damaged: string[] = [];
    const index = new ChunkIndex(damaged);
    const packs = (await listPacks(layout.directory)).sort().values(); // shared: each lane takes the next
    const lane = async (): Promise<void> => {
      for (const pack of packs) {
        const facts = await readPackIndex(layout, pack);
        if (facts === undefined) damaged.push(pack);
        else {
          for (const [id, location] of facts.entries) index.add(id, location);
          onPack(pack, facts);
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return index;
  }

  get size(): number {
    return this.#locations.size;
  }

  has(id: ChunkId): boolean {
    return this.#locations.has(id);
  }

  get(id: ChunkId): Location | undefined {
    return this.#locations.get(id);
  }

  add(id: ChunkId, location: Location): void {
    this.#locations.set(id, location);
  }
}
