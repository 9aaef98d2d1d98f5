/**
 * A body of unknown size on its way into a segment file of its own.
 *
 * Until it is whole it is a `.part` file that nothing points at; then its headers are written, and a rename makes it a segment.
 * Memory stays near {@link IN_FLIGHT_BYTES} for a sender that awaits what `write` returns.
 */
import { crc32 } from 'node:zlib';
import { Refused } from '../../errors.ts';
import type { BodyAddress } from '../types.ts';
import type { FileSystem } from './files.ts';
import { CODEC_NONE, encodeHeader, HEADER_BYTES } from './record.ts';
import { FILE_HEADER_BYTES } from './segment-file.ts';
import { FileWriter } from './writer.ts';

const IN_FLIGHT_BYTES = 1 << 20;

export interface LargeBody {
  /** Bytes taken so far. */
  readonly size: number;
  /**
   * Takes the next bytes; the buffer must not change afterwards. Await the promise, if there is one: it is backpressure, and
   * rejects when the bytes can't be written: then give the body up.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /**
   * Ends the body; it is durable after the next sync.
   * @param hash  SHA-256 of the body
   * @throws Refused `store.full`, `store.failed`
   */
  finish(hash: Uint8Array): Promise<BodyAddress>;
  /** Gives it up. Never throws; does nothing once the body is finished. */
  abandon(): void;
}

/** What a large body needs of the segments it becomes one of. */
export interface LargeBodyHost {
  readonly files: FileSystem;
  /** Makes the whole body a segment, not durable yet, by writing its header and renaming its file. @returns the segment's id */
  publish(writer: FileWriter, path: string, header: Buffer): Promise<number>;
  /** The body is given up: closes and removes its file. */
  discard(writer: FileWriter, path: string): void;
  /** The error that a failed write means: `store.full` for this body alone, else the store stops. */
  refusal(error: unknown): Refused;
}

export class LargeBodyFile implements LargeBody {
  readonly #host: LargeBodyHost;
  readonly #path: string;
  readonly #writer: FileWriter;
  #size = 0;
  #checksum = 0;
  #state: 'open' | 'finishing' | 'over' = 'open';

  constructor(host: LargeBodyHost, path: string) {
    this.#host = host;
    this.#path = path;
    this.#writer = new FileWriter(host.files, path, FILE_HEADER_BYTES + HEADER_BYTES);
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#state !== 'open') throw new Error('this body is finished or given up');
    this.#size += chunk.length;
    this.#checksum = crc32(chunk, this.#checksum);
    this.#writer.push([chunk], chunk.length);
    if (this.#writer.queuedBytes <= IN_FLIGHT_BYTES) return undefined;
    return this.#written(this.#writer.end - IN_FLIGHT_BYTES);
  }

  async finish(hash: Uint8Array): Promise<BodyAddress> {
    if (this.#state !== 'open') throw new Error('this body is finished or given up');
    this.#state = 'finishing';
    const length = this.#size;
    const header = encodeHeader({ codec: CODEC_NONE, storedLength: length, length, checksum: this.#checksum, hash });
    try {
      await this.#written(this.#writer.end);
      const segment = await this.#host.publish(this.#writer, this.#path, header);
      this.#state = 'over';
      return { segment, offset: FILE_HEADER_BYTES, length, storedLength: length, codec: CODEC_NONE, hash };
    } catch (error) {
      this.#state = 'open';
      this.abandon();
      throw error instanceof Refused ? error : this.#host.refusal(error);
    }
  }

  abandon(): void {
    if (this.#state !== 'open') return;
    this.#state = 'over';
    this.#host.discard(this.#writer, this.#path);
  }

  async #written(position: number): Promise<void> {
    try {
      await this.#writer.written(position);
    } catch (error) {
      if (this.#state === 'over') return; // given up meanwhile, and its file closed: no failure of the disk
      throw this.#host.refusal(error);
    }
  }
}
