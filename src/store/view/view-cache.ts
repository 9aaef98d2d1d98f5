/**
 * The newest view of each mailbox somebody looked at lately, shared by all sessions. Bounded by the number of messages held; sessions keep
 * their own versions alive, whatever leaves the cache. Views of large mailboxes are kept on disk too (view-file.ts).
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../../errors.ts';
import type { MailboxKey } from '../api.ts';
import type { Change, Engine } from '../engine/engine.ts';
import type { AccountId, Modseq } from '../ids.ts';
import { readView, refreshView } from './read-view.ts';
import type { PagedView } from './view.ts';
import { readViewFile, writeViewFile } from './view-file.ts';

export interface ViewCacheOptions {
  /** Where views are kept on disk. */
  readonly directory: string;
  /** Messages in all views together; a message takes about 56 bytes. */
  readonly limit?: number;
  /** Whether there is room for files that are only a cache. */
  readonly mayWrite: () => boolean;
  /** A file could not be written; nothing depends on it. */
  readonly onTrouble: (error: unknown) => void;
}

interface Slot {
  view: PagedView | undefined;
  /** Something durable has changed since `view` was read. */
  stale: boolean;
  /** Being read. */
  reading: Promise<PagedView> | undefined;
  /** Up to where the file on disk knows the mailbox. */
  savedUpTo: Modseq | undefined;
}

/** Smaller mailboxes are read from their rows as fast. */
const WORTH_A_FILE = 4_096;
/** Views of empty and small mailboxes cost little but not nothing. */
const MAX_SLOTS = 20_000;

export class ViewCache {
  readonly #engine: Engine;
  readonly #options: ViewCacheOptions;
  readonly #limit: number;
  /** In order of last use. */
  readonly #slots = new Map<string, Slot>();
  #held = 0;
  readonly #writing = new Set<Promise<void>>();

  constructor(engine: Engine, options: ViewCacheOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#limit = options.limit ?? 2_000_000;
  }

  /** The newest durable view. @throws Refused `mailbox.missing` */
  async view(key: MailboxKey): Promise<PagedView> {
    const name = nameOf(key);
    let slot = this.#slots.get(name);
    if (slot === undefined) slot = { view: undefined, stale: false, reading: undefined, savedUpTo: undefined };
    else this.#slots.delete(name);
    this.#slots.set(name, slot);
    for (;;) {
      if (slot.view !== undefined && !slot.stale && slot.reading === undefined) return slot.view;
      slot.reading ??= this.#read(name, slot, key);
      await slot.reading;
    }
  }

  /** Notes what became durable. */
  changed(changes: readonly Change[]): void {
    for (const { account, mailbox } of changes) {
      if (mailbox === undefined) continue;
      const slot = this.#slots.get(nameOf({ account, mailbox }));
      if (slot !== undefined) slot.stale = true;
    }
  }

  /** The account is gone, or its rows were mended: nothing that is known of its mailboxes holds any more. */
  async forget(account: AccountId): Promise<void> {
    for (const [name, slot] of this.#slots) {
      if (!name.startsWith(`${account}/`) || slot.reading !== undefined) continue;
      this.#slots.delete(name);
      this.#held -= slot.view?.length ?? 0;
    }
    await rm(join(this.#options.directory, String(account)), { recursive: true, force: true });
  }

  /** Writes what is worth a file and is newer than it. */
  async close(): Promise<void> {
    for (const slot of this.#slots.values()) this.#save(slot);
    await Promise.all(this.#writing);
  }

  async #read(name: string, slot: Slot, key: MailboxKey): Promise<PagedView> {
    const old = slot.view;
    slot.stale = false;
    try {
      const view = await (old === undefined ? this.#readFirst(slot, key) : refreshView(this.#engine, old));
      slot.view = view;
      if (this.#slots.get(name) === slot) this.#held += view.length - (old?.length ?? 0);
      if (slot.savedUpTo === undefined) this.#save(slot);
      this.#evict(name);
      return view;
    } catch (error) {
      if (this.#slots.get(name) === slot) {
        this.#slots.delete(name);
        this.#held -= old?.length ?? 0;
      }
      if (error instanceof Refused && error.code === 'mailbox.missing') await rm(this.#pathOf(key), { force: true });
      throw error;
    } finally {
      slot.reading = undefined;
    }
  }

  async #readFirst(slot: Slot, key: MailboxKey): Promise<PagedView> {
    const saved = await readViewFile(this.#pathOf(key), key);
    if (saved === undefined) return readView(this.#engine, key);
    slot.savedUpTo = saved.head.upTo;
    return refreshView(this.#engine, saved);
  }

  #evict(keep: string): void {
    for (const [name, slot] of this.#slots) {
      if (this.#held <= this.#limit && this.#slots.size <= MAX_SLOTS) return;
      if (name === keep || slot.reading !== undefined) continue;
      this.#slots.delete(name);
      this.#held -= slot.view?.length ?? 0;
      this.#save(slot);
    }
  }

  /** Begins to write a view's file, if it is worth one and has changed since. */
  #save(slot: Slot): void {
    const { view } = slot;
    if (view === undefined || view.length < WORTH_A_FILE || slot.savedUpTo === view.head.upTo) return;
    if (!this.#options.mayWrite()) return;
    slot.savedUpTo = view.head.upTo;
    const path = this.#pathOf(view.key);
    const writing = mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
      .then(() => writeViewFile(path, view))
      .catch(this.#options.onTrouble)
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  #pathOf({ account, mailbox }: MailboxKey): string {
    return join(this.#options.directory, String(account), `${mailbox}.view`);
  }
}

function nameOf({ account, mailbox }: MailboxKey): string {
  return `${account}/${mailbox}`;
}
