/** Adds chunks to a repository: packs of them, some being written while the next is filled. For a worker; whoever has the lock to add. */
import { type ChunkId, chunkId } from './chunk.ts';
import type { ChunkIndex } from './chunk-index.ts';
import { type Layout, packsIn, syncFolder } from './layout.ts';
import { PACK_BYTES, PackBuilder } from './pack.ts';

/** Packs on their way to the disk at once: its syncs are waited for side by side. */
const WRITING = 2;

export class RepositoryWriter {
  /** Bytes that the repository has grown by. */
  added = 0;
  /** Bytes given to {@link store} that were there already. */
  reused = 0;
  readonly #layout: Layout;
  readonly #index: ChunkIndex;
  /** Oldest first. */
  readonly #writing: Promise<void>[] = [];
  readonly #free: Buffer[] = [];
  #filling: Buffer = Buffer.allocUnsafeSlow(PACK_BYTES);
  #pack = new PackBuilder(this.#filling);

  constructor(layout: Layout, index: ChunkIndex) {
    this.#layout = layout;
    this.#index = index;
    for (let spare = 0; spare < WRITING; spare += 1) this.#free.push(Buffer.allocUnsafeSlow(PACK_BYTES));
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

  /** Resolves when everything stored is on disk, names and content. */
  async flush(): Promise<void> {
    if (!this.#pack.isEmpty) await this.#nextPack();
    while (this.#writing.length > 0) await this.#writing.shift();
    await syncFolder(packsIn(this.#layout.directory));
  }

  /** Waits for the packs on their way: a run that is stopped or fails leaves them whole, for the next one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  async #nextPack(): Promise<void> {
    if (this.#writing.length === WRITING) await this.#writing.shift(); // its buffer is free now
    const buffer = this.#filling;
    const written = this.#pack.write(this.#layout).then((bytes) => {
      this.added += bytes;
      this.#free.push(buffer);
    });
    written.catch(() => undefined); // whoever waits for it gets the error
    this.#writing.push(written);
    this.#filling = this.#free.pop()!;
    this.#pack = new PackBuilder(this.#filling);
  }
}
