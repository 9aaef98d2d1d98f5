/**
 * Messages on their way in: taken in whole, then filed.
 *
 * Invariant: from when its bytes are there until a row points at it, or never will, a message is known as unfiled, so that sweeping leaves its
 * segment alone.
 */
import { CHUNK_BYTES } from './bodies/reader.ts';
import type { Segments } from './bodies/segments.ts';
import type { DiskSpace } from './disk-space.ts';
import { Stage } from './stage.ts';
import type { MessageStage, StagedMessage } from './types.ts';
import { Unfiled } from './unfiled.ts';

export interface RoomOptions {
  /** Also on a disk that is nearly full. */
  readonly whenLow?: boolean;
}

export class Filing {
  readonly unfiled = new Unfiled();
  readonly #segments: Segments;
  readonly #space: DiskSpace;
  readonly #collecting = { bytes: 0 };

  constructor(segments: Segments, space: DiskSpace) {
    this.#segments = segments;
    this.#space = space;
  }

  /** See {@link import('./api.ts').Store.stage}. */
  stage(limit: number, { whenLow = false }: RoomOptions = {}): MessageStage {
    if (!whenLow) this.#space.assertRoom();
    return new Stage(this.#segments, this.unfiled, limit, this.#collecting);
  }

  /** The bytes of a message that is not filed yet. */
  async *staged({ body }: StagedMessage): AsyncGenerator<Buffer, void, void> {
    if (body.length <= CHUNK_BYTES) yield await this.#segments.read(body);
    else yield* this.#segments.readChunks(body);
  }

  discard(message: StagedMessage): void {
    this.unfiled.settle(message, false);
  }

  /** Files staged messages and forgets that they were not; what was filed with nobody leaves nothing behind. */
  async file<T>(
    staged: readonly StagedMessage[],
    file: () => Promise<{ result: T; filed: boolean }>,
    { whenLow = false }: RoomOptions = {},
  ): Promise<T> {
    let filed = false;
    try {
      if (!whenLow) this.#space.assertRoom();
      const done = await file();
      filed = done.filed;
      return done.result;
    } finally {
      for (const message of staged) this.unfiled.settle(message, filed);
    }
  }
}
