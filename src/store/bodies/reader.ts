/**
 * Reads bodies out of segment files, never on the event loop.
 *
 * Invariant: what is given out has been checked against the record's header, its hash and its checksum (record.ts); a body that
 * fails is Refused `message.damaged`, one whose segment is gone Refused `message.gone`. A damaged body never spoils its neighbours.
 */
import { crc32 } from 'node:zlib';
import { Refused } from '../../errors.ts';
import { noteBuffer } from '../../passing-buffers.ts';
import type { BodyAddress } from '../types.ts';
import type { Descriptor, Descriptors } from './descriptors.ts';
import { type FileSystem, readUpTo } from './files.ts';
import { planWindow, type Run } from './read-plan.ts';
import { bodyOf, decodeHeader, HEADER_BYTES, isHeaderOf } from './record.ts';

/** Small, so that what is no longer needed of a stream stays little until it is collected. */
export const CHUNK_BYTES = 64 << 10;
/** Reads in flight for one window whose bodies stand far apart. */
const LANES = 4;

type Answer = Buffer | null | Refused;

export class BodyReader {
  readonly #files: FileSystem;
  readonly #descriptors: Descriptors;
  /** Resolves when what is queued for the address is in its file; undefined when it already is. */
  readonly #settled: (address: BodyAddress) => Promise<void> | undefined;

  constructor(
    files: FileSystem,
    descriptors: Descriptors,
    settled: (address: BodyAddress) => Promise<void> | undefined,
  ) {
    this.#files = files;
    this.#descriptors = descriptors;
    this.#settled = settled;
  }

  async read(address: BodyAddress): Promise<Buffer> {
    await this.#settled(address);
    try {
      const bytes = await this.#readAt(address.segment, address.offset, HEADER_BYTES + address.storedLength);
      const body = bodyOf(bytes, 0, address);
      if (body !== null) return body;
    } catch (error) {
      throw refusalFor(error);
    }
    throw damaged();
  }

  async *readMany(addresses: readonly BodyAddress[]): AsyncGenerator<Answer, void, void> {
    if (addresses.length === 0) return;
    let next: Promise<ReadWindow> | undefined = this.#readWindow(addresses, 0);
    while (next !== undefined) {
      const { answers, end }: ReadWindow = await next;
      next = end < addresses.length ? this.#readWindow(addresses, end) : undefined;
      // The consumer may leave before it is awaited; if it stays, the await above throws.
      next?.catch(() => undefined);
      for (const answer of answers) yield answer;
    }
  }

  async *readChunks(
    address: BodyAddress,
    from = 0,
    to = address.length,
    reuse = false,
  ): AsyncGenerator<Buffer, void, void> {
    if (from === 0 && to > 0 && to === address.length && to <= CHUNK_BYTES) return yield await this.read(address); // header and all by one read
    await this.#settled(address);
    // Leased to the end, however slow the consumer: the file may be unlinked meanwhile.
    const descriptor = await this.#lease(address.segment);
    let next: Promise<Buffer> | undefined;
    try {
      const header = decodeHeader(
        await this.#readExactly(descriptor, address.offset, Buffer.allocUnsafe(HEADER_BYTES)),
      );
      if (header === null || !isHeaderOf(header, address)) throw damaged();
      const end = Math.min(to, header.length);
      const body = address.offset + HEADER_BYTES;
      let spare: Buffer | undefined;
      const chunkAt = (at: number): Promise<Buffer> => {
        const length = Math.min(CHUNK_BYTES, end - at);
        const into = spare?.subarray(0, length) ?? Buffer.allocUnsafe(length);
        const chunk = this.#readExactly(descriptor, body + at, into);
        chunk.catch(() => undefined); // of a consumer that leaves; one that stays gets it from the await below
        return chunk;
      };
      let checksum = 0;
      if (from < end) next = chunkAt(from);
      for (let at = from; next !== undefined; ) {
        const chunk: Buffer = await next;
        at += chunk.length;
        next = at < end ? chunkAt(at) : undefined;
        checksum = crc32(chunk, checksum);
        yield chunk;
        if (reuse) spare = chunk; // of the chunks all are equally long but the last
      }
      if (from === 0 && end === header.length && checksum !== header.checksum) throw damaged();
    } finally {
      await next?.catch(() => undefined); // no descriptor is closed under a read
      this.#descriptors.release(descriptor);
    }
  }

  async #readWindow(addresses: readonly BodyAddress[], from: number): Promise<ReadWindow> {
    const { end, runs } = planWindow(addresses, from);
    const answers: Answer[] = new Array(end - from).fill(null);
    if (runs.length === 1) await this.#readRun(addresses, runs[0]!, answers, from);
    else if (runs.length > 1) {
      const rest = runs.values(); // shared: each lane takes the next
      const lane = async (): Promise<void> => {
        for (const run of rest) await this.#readRun(addresses, run, answers, from);
      };
      await Promise.all(Array.from({ length: Math.min(LANES, runs.length) }, lane));
    }
    return { answers, end };
  }

  async #readRun(addresses: readonly BodyAddress[], run: Run, answers: Answer[], from: number): Promise<void> {
    let bytes: Buffer;
    try {
      await this.#settled(addresses[run.members.at(-1)!]!); // the last in its file: what stands before it was written before
      bytes = await this.#readAt(run.segment, run.offset, run.bytes);
    } catch (error) {
      const refusal = refusalFor(error);
      for (const member of run.members) {
        // One bad sector fails the read of a whole run: give each body its own chance.
        const alone = run.members.length === 1 || refusal.code === 'message.gone';
        answers[member - from] = alone ? refusal : await this.#readOrRefused(addresses[member]!);
      }
      return;
    }
    for (const member of run.members) {
      const address = addresses[member]!;
      answers[member - from] = bodyOf(bytes, address.offset - run.offset, address) ?? damaged();
    }
  }

  async #readOrRefused(address: BodyAddress): Promise<Answer> {
    try {
      return await this.read(address);
    } catch (error) {
      return refusalFor(error);
    }
  }

  async #lease(segment: number): Promise<Descriptor> {
    try {
      return await this.#descriptors.lease(segment);
    } catch (error) {
      throw refusalFor(error);
    }
  }

  /** Fills `bytes`, or throws the Refused that says why not. */
  async #readExactly({ file }: Descriptor, offset: number, bytes: Buffer): Promise<Buffer> {
    let got: number;
    try {
      got = await readUpTo(this.#files, file, bytes, offset);
    } catch (error) {
      throw refusalFor(error);
    }
    if (got < bytes.length) throw damaged();
    return bytes;
  }

  /** Reads a stretch; shorter where the file ends before. */
  async #readAt(segment: number, offset: number, length: number): Promise<Buffer> {
    const descriptor = await this.#descriptors.lease(segment);
    try {
      const bytes = Buffer.allocUnsafe(length);
      noteBuffer(length);
      const got = await readUpTo(this.#files, descriptor.file, bytes, offset);
      return got === length ? bytes : bytes.subarray(0, got);
    } finally {
      this.#descriptors.release(descriptor);
    }
  }
}

interface ReadWindow {
  readonly answers: readonly Answer[];
  readonly end: number;
}

function damaged(cause?: unknown): Refused {
  const text = 'The stored copy of this message is damaged. Ask your administrator to restore it from a backup.';
  return new Refused('message.damaged', text, cause === undefined ? undefined : { cause });
}

/** What a failed read means for who wanted the message; throws what is neither the message's nor the disk's fault. */
function refusalFor(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new Refused('message.gone', 'This message is no longer there.', { cause: error });
  if (code === 'EIO') return damaged(error);
  throw error;
}
