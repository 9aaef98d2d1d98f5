/** Up to PAGE_LIMIT messages of a mailbox in UID order, packed. Never changed once made; every change makes a new page. */
import type { MessageRow } from '../operations/message-row.ts';
import { splitKeywords } from '../operations/message-row.ts';

export const PAGE_LIMIT = 512;

/** The message was removed; kept only for sessions that may not be told yet. Not a bit that a flag uses. */
export const GHOST = 1 << 30;

/** A column a field, as long as the page. */
export interface PageColumns {
  readonly uids: Uint32Array;
  readonly flags: Uint32Array;
  readonly items: Float64Array;
  readonly emails: Float64Array;
  readonly sizes: Float64Array;
  readonly received: Float64Array;
  readonly saved: Float64Array;
  readonly modseqs: Float64Array;
  /** By UID; only for messages that have any. */
  readonly keywords: ReadonlyMap<number, readonly string[]> | undefined;
  readonly uidls: ReadonlyMap<number, string> | undefined;
}

export class Page implements PageColumns {
  readonly length: number;
  readonly uids: Uint32Array;
  readonly flags: Uint32Array;
  readonly items: Float64Array;
  readonly emails: Float64Array;
  readonly sizes: Float64Array;
  readonly received: Float64Array;
  readonly saved: Float64Array;
  readonly modseqs: Float64Array;
  readonly keywords: ReadonlyMap<number, readonly string[]> | undefined;
  readonly uidls: ReadonlyMap<number, string> | undefined;

  constructor(columns: PageColumns) {
    this.length = columns.uids.length;
    this.uids = columns.uids;
    this.flags = columns.flags;
    this.items = columns.items;
    this.emails = columns.emails;
    this.sizes = columns.sizes;
    this.received = columns.received;
    this.saved = columns.saved;
    this.modseqs = columns.modseqs;
    this.keywords = columns.keywords;
    this.uidls = columns.uidls;
  }

  static from(entries: readonly PageEntry[]): Page {
    const length = entries.length;
    const columns = {
      uids: new Uint32Array(length),
      flags: new Uint32Array(length),
      items: new Float64Array(length),
      emails: new Float64Array(length),
      sizes: new Float64Array(length),
      received: new Float64Array(length),
      saved: new Float64Array(length),
      modseqs: new Float64Array(length),
    };
    let keywords: Map<number, readonly string[]> | undefined;
    let uidls: Map<number, string> | undefined;
    for (let at = 0; at < length; at++) {
      const entry = entries[at]!;
      columns.uids[at] = entry.uid;
      columns.flags[at] = entry.flags;
      columns.items[at] = entry.item;
      columns.emails[at] = entry.email;
      columns.sizes[at] = entry.size;
      columns.received[at] = entry.received;
      columns.saved[at] = entry.saved;
      columns.modseqs[at] = entry.modseq;
      if (entry.keywords.length > 0) {
        keywords ??= new Map();
        keywords.set(entry.uid, entry.keywords);
      }
      if (entry.uidl !== null) {
        uidls ??= new Map();
        uidls.set(entry.uid, entry.uidl);
      }
    }
    return new Page({ ...columns, keywords, uidls });
  }

  get firstUid(): number {
    return this.uids[0]!;
  }

  get lastUid(): number {
    return this.uids[this.length - 1]!;
  }

  entry(at: number): PageEntry {
    const uid = this.uids[at]!;
    return {
      uid,
      item: this.items[at]!,
      email: this.emails[at]!,
      flags: this.flags[at]!,
      keywords: this.keywords?.get(uid) ?? NONE,
      size: this.sizes[at]!,
      received: this.received[at]!,
      saved: this.saved[at]!,
      modseq: this.modseqs[at]!,
      uidl: this.uidls?.get(uid) ?? null,
    };
  }

  entries(): PageEntry[] {
    return Array.from({ length: this.length }, (_, at) => this.entry(at));
  }

  /** Index of the first entry whose UID is not below; `length` when there is none. */
  lowerBound(uid: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.uids[middle]! < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface PageEntry {
  readonly uid: number;
  readonly item: number;
  readonly email: number;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly size: number;
  readonly received: number;
  readonly saved: number;
  readonly modseq: number;
  readonly uidl: string | null;
}

const NONE: readonly string[] = [];

export function entryFrom(row: MessageRow): PageEntry {
  const [uid, item, email, flags, keywords, size, received, modseq, saved, uidl] = row;
  return { uid, item, email, flags, keywords: splitKeywords(keywords), size, received, saved, modseq, uidl };
}

/** Entries in UID order as pages. */
export function paged(entries: readonly PageEntry[]): Page[] {
  const pages: Page[] = [];
  for (let from = 0; from < entries.length; from += PAGE_LIMIT)
    pages.push(Page.from(entries.slice(from, from + PAGE_LIMIT)));
  return pages;
}
