/**
 * The newest view of each mailbox somebody looked at lately, shared by all sessions. Bounded by the number of messages held; sessions keep
 * their own versions alive, whatever leaves the cache.
 */
import type { MailboxKey } from '../api.ts';
import type { Change, Engine } from '../engine/engine.ts';
import { readView, refreshView } from './read-view.ts';
import type { PagedView } from './view.ts';

interface Slot {
  view: PagedView | undefined;
  /** Something durable has changed since `view` was read. */
  stale: boolean;
  /** Being read. */
  reading: Promise<PagedView> | undefined;
}

export class ViewCache {
  readonly #engine: Engine;
  readonly #limit: number;
  /** In order of last use. */
  readonly #slots = new Map<string, Slot>();
  #held = 0;

  /** @param limit messages in all views together; a message takes about 56 bytes */
  constructor(engine: Engine, limit = 2_000_000) {
    this.#engine = engine;
    this.#limit = limit;
  }

  /** The newest durable view. @throws Refused `mailbox.missing` */
  async view(key: MailboxKey): Promise<PagedView> {
    const name = nameOf(key);
    let slot = this.#slots.get(name);
    if (slot === undefined) slot = { view: undefined, stale: false, reading: undefined };
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

  async #read(name: string, slot: Slot, key: MailboxKey): Promise<PagedView> {
    const old = slot.view;
    slot.stale = false;
    try {
      const view = old === undefined ? await readView(this.#engine, key) : await refreshView(this.#engine, old);
      slot.view = view;
      if (this.#slots.get(name) === slot) this.#held += view.length - (old?.length ?? 0);
      this.#evict(name);
      return view;
    } catch (error) {
      if (this.#slots.get(name) === slot) {
        this.#slots.delete(name);
        this.#held -= old?.length ?? 0;
      }
      throw error;
    } finally {
      slot.reading = undefined;
    }
  }

  #evict(keep: string): void {
    for (const [name, slot] of this.#slots) {
      if (this.#held <= this.#limit && this.#slots.size <= MAX_SLOTS) return;
      if (name === keep || slot.reading !== undefined) continue;
      this.#slots.delete(name);
      this.#held -= slot.view?.length ?? 0;
    }
  }
}

/** Views of empty and small mailboxes cost little but not nothing. */
const MAX_SLOTS = 20_000;

function nameOf({ account, mailbox }: MailboxKey): string {
  return `${account}/${mailbox}`;
}
