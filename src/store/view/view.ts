/**
 * A mailbox at one moment (src/store/api.ts, MailboxView): a list of pages that versions share. A change copies the pages it touches, so a
 * new version of a mailbox of 100,000 messages costs some kilobytes, and two versions are compared page by page.
 *
 * Invariants: pages are never empty; UIDs rise through them; pages are never changed.
 */
import type { MailboxKey, MailboxView, ViewChanges } from '../api.ts';
import { SEEN } from '../flags.ts';
import type { EmailId, ItemId, Modseq, Uid } from '../ids.ts';
import type { MessageEntry } from '../types.ts';
import { GHOST, type Page, type PageEntry, paged } from './page.ts';

/** What a view knows of its mailbox as a whole. */
export interface ViewHead {
  readonly key: MailboxKey;
  readonly uidvalidity: number;
  readonly uidnext: Uid;
  /** The mailbox's, for clients. */
  readonly modseq: Modseq;
  /** The account's when the view was read: what comes after it is not in it. */
  readonly upTo: Modseq;
  readonly sizeBytes: number;
  readonly unseen: number;
}

export class PagedView implements MailboxView {
  readonly head: ViewHead;
  readonly pages: readonly Page[];
  readonly length: number;
  /** Index of each page's first message. */
  readonly #starts: Uint32Array;
  /** The page that was looked at last: most callers go through in order. */
  #lastPage = 0;
  #keywords: readonly string[] | undefined;

  constructor(head: ViewHead, pages: readonly Page[]) {
    this.head = head;
    this.pages = pages;
    this.#starts = new Uint32Array(pages.length);
    let length = 0;
    for (let number = 0; number < pages.length; number++) {
      this.#starts[number] = length;
      length += pages[number]!.length;
    }
    this.length = length;
  }

  get key(): MailboxKey {
    return this.head.key;
  }

  get uidvalidity(): number {
    return this.head.uidvalidity;
  }

  get uidnext(): Uid {
    return this.head.uidnext;
  }

  get modseq(): Modseq {
    return this.head.modseq;
  }

  get sizeBytes(): number {
    return this.head.sizeBytes;
  }

  get unseen(): number {
    return this.head.unseen;
  }

  get keywords(): readonly string[] {
    if (this.#keywords === undefined) {
      const names = new Map<string, string>();
      for (const page of this.pages) {
        for (const keywords of page.keywords?.values() ?? []) {
          for (const name of keywords) if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
        }
      }
      this.#keywords = [...names.values()].sort();
    }
    return this.#keywords;
  }

  uid(index: number): Uid {
    const page = this.#page(index);
    return page.uids[index - this.#starts[this.#lastPage]!] as Uid;
  }

  flagBits(index: number): number {
    const page = this.#page(index);
    return page.flags[index - this.#starts[this.#lastPage]!]! & ~GHOST;
  }

  keywordsOf(index: number): readonly string[] {
    const page = this.#page(index);
    if (page.keywords === undefined) return NONE;
    return page.keywords.get(page.uids[index - this.#starts[this.#lastPage]!]!) ?? NONE;
  }

  size(index: number): number {
    const page = this.#page(index);
    return page.sizes[index - this.#starts[this.#lastPage]!]!;
  }

  modseqOf(index: number): Modseq {
    const page = this.#page(index);
    return page.modseqs[index - this.#starts[this.#lastPage]!] as Modseq;
  }

  email(index: number): EmailId {
    const page = this.#page(index);
    return page.emails[index - this.#starts[this.#lastPage]!] as EmailId;
  }

  item(index: number): ItemId {
    const page = this.#page(index);
    return page.items[index - this.#starts[this.#lastPage]!] as ItemId;
  }

  received(index: number): number {
    const page = this.#page(index);
    return page.received[index - this.#starts[this.#lastPage]!]!;
  }

  saved(index: number): number {
    const page = this.#page(index);
    return page.saved[index - this.#starts[this.#lastPage]!]!;
  }

  uidl(index: number): string {
    const page = this.#page(index);
    const at = index - this.#starts[this.#lastPage]!;
    return page.uidls?.get(page.uids[at]!) ?? String(page.items[at]);
  }

  isGhost(index: number): boolean {
    const page = this.#page(index);
    return (page.flags[index - this.#starts[this.#lastPage]!]! & GHOST) !== 0;
  }

  entry(index: number): MessageEntry {
    return {
      uid: this.uid(index),
      item: this.item(index),
      email: this.email(index),
      flags: { bits: this.flagBits(index), keywords: this.keywordsOf(index) },
      modseq: this.modseqOf(index),
      size: this.size(index),
      received: this.received(index),
      saved: this.saved(index),
    };
  }

  indexOf(uid: number): number {
    const index = this.lowerBound(uid);
    return index < this.length && this.uid(index) === uid ? index : -1;
  }

  lowerBound(uid: number): number {
    let low = 0;
    let high = this.pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.pages[middle]!.lastUid < uid) low = middle + 1;
      else high = middle;
    }
    if (low === this.pages.length) return this.length;
    return this.#starts[low]! + this.pages[low]!.lowerBound(uid);
  }

  firstUnseen(): number {
    for (let number = 0; number < this.pages.length; number++) {
      const at = this.pages[number]!.flags.findIndex((bits) => (bits & SEEN) === 0);
      if (at >= 0) return this.#starts[number]! + at;
    }
    return -1;
  }

  changesTo(newer: MailboxView): ViewChanges {
    const vanished: number[] = [];
    const changed: number[] = [];
    const other = newer as PagedView;
    let firstNew = other.length;
    walkBoth(this.pages, other.pages, {
      same: () => {},
      onlyOld: (_page, _at, index) => void vanished.push(index),
      onlyNew: (_page, _at, index) => {
        if (index < firstNew) firstNew = index;
      },
      both: (oldPage, oldAt, newPage, newAt, index) => {
        if (oldPage.modseqs[oldAt] !== newPage.modseqs[newAt] || oldPage.flags[oldAt] !== newPage.flags[newAt])
          changed.push(index);
      },
    });
    return { vanished, changed, firstNew };
  }

  withGhosts(newer: MailboxView): MailboxView {
    const pages: Page[] = [];
    let pending: PageEntry[] = [];
    let ghosts = 0;
    const flush = (): void => {
      pages.push(...paged(pending));
      pending = [];
    };
    walkBoth(this.pages, (newer as PagedView).pages, {
      same(page) {
        flush();
        pages.push(page);
      },
      onlyOld: (page, at) => {
        const entry = page.entry(at);
        ghosts++;
        pending.push({ ...entry, flags: entry.flags | GHOST });
      },
      onlyNew: (page, at) => void pending.push(page.entry(at)),
      both: (_oldPage, _oldAt, newPage, newAt) => void pending.push(newPage.entry(newAt)),
    });
    flush();
    return ghosts === 0 ? newer : new PagedView((newer as PagedView).head, pages);
  }

  #page(index: number): Page {
    const at = this.#lastPage;
    const start = this.#starts[at];
    if (start !== undefined && index >= start && index - start < this.pages[at]!.length) return this.pages[at]!;
    return this.#findPage(index);
  }

  #findPage(index: number): Page {
    if (index < 0 || index >= this.length) throw new RangeError(`no message at index ${index} of ${this.length}`);
    let low = 0;
    let high = this.pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    this.#lastPage = low;
    return this.pages[low]!;
  }
}

const NONE: readonly string[] = [];

interface Walk {
  /** A page that both share. */
  same(page: Page): void;
  onlyOld(page: Page, at: number, oldIndex: number): void;
  onlyNew(page: Page, at: number, newIndex: number): void;
  both(oldPage: Page, oldAt: number, newPage: Page, newAt: number, newIndex: number): void;
}

/** Goes through two versions in UID order; pages that both share are passed in one step. */
function walkBoth(older: readonly Page[], newer: readonly Page[], walk: Walk): void {
  let oldPage = 0;
  let oldAt = 0;
  let oldIndex = 0;
  let newPage = 0;
  let newAt = 0;
  let newIndex = 0;
  const stepOld = (): void => {
    oldIndex++;
    if (++oldAt === older[oldPage]!.length) {
      oldPage++;
      oldAt = 0;
    }
  };
  const stepNew = (): void => {
    newIndex++;
    if (++newAt === newer[newPage]!.length) {
      newPage++;
      newAt = 0;
    }
  };
  while (oldPage < older.length || newPage < newer.length) {
    const a = older[oldPage];
    const b = newer[newPage];
    if (a !== undefined && a === b && oldAt === 0 && newAt === 0) {
      walk.same(a);
      oldIndex += a.length;
      newIndex += a.length;
      oldPage++;
      newPage++;
    } else if (b === undefined || (a !== undefined && a.uids[oldAt]! < b.uids[newAt]!)) {
      walk.onlyOld(a!, oldAt, oldIndex);
      stepOld();
    } else if (a === undefined || b.uids[newAt]! < a.uids[oldAt]!) {
      walk.onlyNew(b, newAt, newIndex);
      stepNew();
    } else {
      walk.both(a, oldAt, b, newAt, newIndex);
      stepOld();
      stepNew();
    }
  }
}
