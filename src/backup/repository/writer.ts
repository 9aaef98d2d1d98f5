/** Adds chunks to a repository: packs of them, the one being written while the next is filled. For a worker; whoever has the lock to add. */
import { type ChunkId, chunkId } from './chunk.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { Layout } from './layout.ts';
import { PACK_BYTES, PackBuilder } from './pack.ts';

export class RepositoryWriter {
  /** Bytes that the repository has grown by. */
  added = 0;
  /** Bytes given to {@link store} that were there already. */
  reused = 0;
  readonly #layout: Layout;
  readonly #index: ChunkIndex;
  #pack: PackBuilder;
  /** For the next pack; the other is being filled. */
  #spare = Buffer.allocUnsafeSlow(PACK_BYTES);
  #filling = Buffer.allocUnsafeSlow(PACK_BYTES);
  #writing: Promise<void> = Promise.resolve();

  constructor(layout: Layout, index: ChunkIndex) {
    this.#layout = layout;
    this.#index = index;
    this.#pack = new PackBuilder(this.#filling);
  }

  /**
   * Stores a chunk, unless it is there. It is on disk after {@link flush}.
   * @throws Refused `backup.full`, also for an earlier chunk; nothing that was on disk before is lost
   */
  async store(plain: Uint8Array): Promise<ChunkId> {
    const id = chunkId(this.#layout.keys, plain);
    if (this.#index.has(id)) {
      this.reused += plain.length;
      return id;
    }
    if (!this.#pack.hasRoomFor(plain.length)) await this.#nextPack();
    this.#index.add(id, this.#pack.add(this.#layout.keys, id, plain));
    return id;
  }

  /** Puts a chunk into a new pack as it stands in an old one. */
  async move(id: ChunkId, stored: Uint8Array): Promise<void> {
    if (!this.#pack.hasRoomFor(stored.length)) await this.#nextPack();
    this.#index.add(id, this.#pack.addStored(id, this.#index.get(id)!, stored));
  }

  /** Resolves when everything stored is on disk. */
  async flush(): Promise<void> {
    if (!this.#pack.isEmpty) await this.#nextPack();
    await this.#writing;
  }

  async #nextPack(): Promise<void> {
    await this.#writing; // its buffer is free now
    const full = this.#pack;
    this.#writing = full.write(this.#layout).then((bytes) => {
      this.added += bytes;
    });
    this.#writing.catch(() => undefined); // whoever comes next gets the error
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#pack = new PackBuilder(this.#filling);
  }
}
