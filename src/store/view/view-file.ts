/**
 * A view kept on disk, so that opening a large mailbox after a restart is no scan of its rows. Only a cache: it may be old (what changed since
 * is read from the rows, by modseq), torn or gone (then the rows are read), but never wrong: a checksum covers it.
 *
 * Layout: magic, length of the head, head (JSON), the columns page by page, CRC-32 of all before it. Little endian, as every machine that
 * Node.js runs on.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { MailboxKey } from '../api.ts';
import { Page } from './page.ts';
import { PagedView, type ViewHead } from './view.ts';

const MAGIC = Buffer.from('RMV1');
const WIDE_COLUMNS = ['items', 'emails', 'sizes', 'received', 'saved', 'modseqs'] as const;
const NARROW_COLUMNS = ['uids', 'flags'] as const;
const CHECKSUM_BYTES = 4;

interface FileHead extends Omit<ViewHead, 'key'> {
  /** Messages of each page. */
  readonly pages: readonly number[];
  /** Only of messages that have any. */
  readonly keywords: readonly (readonly [uid: number, names: readonly string[]])[];
  readonly uidls: readonly (readonly [uid: number, uidl: string])[];
}

/** A view as bytes, in pieces of a page each. */
function* encode({ head: { key: _key, ...head }, pages }: PagedView): Generator<Buffer> {
  const fileHead: FileHead = {
    ...head,
    pages: pages.map((page) => page.length),
    keywords: pages.flatMap((page) => [...(page.keywords ?? [])]),
    uidls: pages.flatMap((page) => [...(page.uidls ?? [])]),
  };
  const json = Buffer.from(JSON.stringify(fileHead));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  yield Buffer.concat([MAGIC, length, json]);
  for (const page of pages) {
    const columns = [...WIDE_COLUMNS, ...NARROW_COLUMNS].map((name) => page[name]);
    yield Buffer.concat(columns.map((column) => new Uint8Array(column.buffer, column.byteOffset, column.byteLength)));
  }
}

/** @returns the view, or undefined when these are not the bytes of one, whole */
function decode(key: MailboxKey, bytes: Buffer): PagedView | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 8 || !bytes.subarray(0, 4).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined;
  let at = 8 + bytes.readUInt32LE(4);
  const { pages: lengths, keywords, uidls, ...head } = JSON.parse(bytes.toString('utf8', 8, at)) as FileHead;
  const keywordsOf = new Map(keywords);
  const uidlOf = new Map(uidls);
  /** Copied: a column must begin at a multiple of its width. */
  const take = (length: number): ArrayBuffer => {
    const from = bytes.byteOffset + at;
    at += length;
    return bytes.buffer.slice(from, from + length) as ArrayBuffer;
  };
  const pages = lengths.map((length) => {
    const [items, emails, sizes, received, saved, modseqs] = WIDE_COLUMNS.map(() => new Float64Array(take(length * 8)));
    const [uids, flags] = NARROW_COLUMNS.map(() => new Uint32Array(take(length * 4)));
    return new Page({
      uids: uids!,
      flags: flags!,
      items: items!,
      emails: emails!,
      sizes: sizes!,
      received: received!,
      saved: saved!,
      modseqs: modseqs!,
      keywords: some(uids!, keywordsOf),
      uidls: some(uids!, uidlOf),
    });
  });
  return new PagedView({ key, ...head }, pages);
}

/** What a map has of a page's messages; undefined when nothing. */
function some<T>(uids: Uint32Array, values: ReadonlyMap<number, T>): ReadonlyMap<number, T> | undefined {
  if (values.size === 0) return undefined;
  const found = new Map<number, T>();
  for (const uid of uids) {
    const value = values.get(uid);
    if (value !== undefined) found.set(uid, value);
  }
  return found.size === 0 ? undefined : found;
}

/** Writes beside the old file and renames: what a crash leaves is the old one, the new one, or one whose checksum is wrong. */
export async function writeViewFile(path: string, view: PagedView): Promise<void> {
  const unfinished = `${path}.new`;
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      let checksum = 0;
      for (const piece of encode(view)) {
        checksum = crc32(piece, checksum);
        await file.writeFile(piece);
      }
      const sum = Buffer.alloc(CHECKSUM_BYTES);
      sum.writeUInt32LE(checksum);
      await file.writeFile(sum);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** @returns the view as it was written, or undefined when there is none that is whole */
export async function readViewFile(path: string, key: MailboxKey): Promise<PagedView | undefined> {
  try {
    return decode(key, await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
