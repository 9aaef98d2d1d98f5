/** A folder of segments for one test, and bodies to put into it. */
import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Refused } from '../../../src/errors.ts';
import { type SegmentOptions, Segments } from '../../../src/store/bodies/segments.ts';
import type { BodyAddress } from '../../../src/store/types.ts';

export interface Folder {
  readonly directory: string;
  /** Opens the segments of the folder; they are closed when the test ends. */
  open(options?: Omit<SegmentOptions, 'directory'>): Promise<Segments>;
  path(segment: number): string;
}

export async function folder(t: TestContext): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), 'rainmail-bodies-'));
  const directory = join(root, 'segments');
  const opened: Segments[] = [];
  t.after(async () => {
    for (const segments of opened) await segments.close().catch(expectRefusal);
    await rm(root, { recursive: true });
  });
  return {
    directory,
    open: async (options) => {
      const segments = await Segments.open({ directory, ...options });
      opened.push(segments);
      return segments;
    },
    path: (segment) => join(directory, `${String(segment).padStart(8, '0')}.seg`),
  };
}

/** Segments whose disk failed in the test refuse their last sync too. */
function expectRefusal(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
}

export function sha256(body: Uint8Array): Buffer {
  return hash('sha256', body, 'buffer');
}

export function append(segments: Segments, body: Buffer): BodyAddress {
  return segments.append([body], body.length, sha256(body));
}

/** Takes a body in through {@link Segments.large}. */
export async function appendLarge(segments: Segments, body: Buffer, chunkBytes = 64 << 10): Promise<BodyAddress> {
  const large = segments.large();
  try {
    for (let at = 0; at < body.length; at += chunkBytes) await large.write(body.subarray(at, at + chunkBytes));
    return await large.finish(sha256(body));
  } catch (error) {
    large.abandon();
    throw error;
  }
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export async function wholeOf(segments: Segments, address: BodyAddress, from?: number, to?: number): Promise<Buffer> {
  return Buffer.concat(await all(segments.readChunks(address, from, to)));
}

/** For assert.rejects: a Refused with this code. */
export function refused(code: Refused['code']): (error: unknown) => boolean {
  return (error) => error instanceof Refused && error.code === code;
}
