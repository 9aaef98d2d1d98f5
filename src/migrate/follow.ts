/**
 * Follows what the source did to messages that were brought before: to their flags, to other folders, away.
 *
 * What the person does here stays: only what the source changed since the last run is carried over; mail that was moved or changed here is left
 * alone.
 */
import type { MailboxView } from '../store/api.ts';
import { flagNames } from '../store/flags.ts';
import type { Uid } from '../store/ids.ts';
import type { Rekeyed } from '../store/origins.ts';
import type { Brought, Mailbox } from '../store/types.ts';
import { type Changed, flagChange, type Vanished } from './differences.ts';
import { flagsOf, type Here, isGone } from './here.ts';
import { groupOf, hashHeader, keyOf, noteOf, parseNote } from './origin.ts';
import type { Tally } from './report.ts';
import type { Source } from './source.ts';
import type { Surveyed } from './surveyed.ts';

export class Following {
  readonly #here: Here;
  readonly #source: Source;
  readonly #tally: Tally;
  readonly #keepRemoved: boolean;

  /** @param keepRemoved  keep here what is removed at the source */
  constructor(here: Here, source: Source, tally: Tally, keepRemoved: boolean) {
    this.#here = here;
    this.#source = source;
    this.#tally = tally;
    this.#keepRemoved = keepRemoved;
  }

  /** Carries over what the source did to flags. The note comes after: killed between them, it is done once more. */
  async carryFlags(changed: readonly Changed[]): Promise<void> {
    if (changed.length === 0) return;
    const { store, account } = this.#here;
    const groups = new Map<string, { readonly change: Changed; readonly uids: Uid[] }>();
    for (const change of changed) {
      const { brought, added, removed } = change;
      const alike = `${brought.mailbox} +${added.join(' ')} -${removed.join(' ')}`;
      const group = groups.get(alike);
      if (group === undefined) groups.set(alike, { change, uids: [brought.uid] });
      else group.uids.push(brought.uid);
    }
    for (const { change, uids } of groups.values()) {
      const key = { account, mailbox: change.brought.mailbox };
      uids.sort((a, b) => a - b);
      try {
        if (change.added.length > 0)
          await store.messages.storeFlags(key, uids, { how: 'add', flags: flagsOf(change.added) });
        if (change.removed.length > 0)
          await store.messages.storeFlags(key, uids, { how: 'remove', flags: flagsOf(change.removed) });
      } catch (error) {
        if (!isGone(error)) throw error; // the person deleted the folder here
      }
    }
    const notes = changed.map(({ brought, message }) => ({
      key: brought.key,
      note: noteOf(message, parseNote(brought.note).header),
    }));
    await store.origins.note(account, this.#source.id, notes);
    this.#tally.flagged += changed.length;
  }

  /**
   * A message that vanished in one folder and is new in another was moved there, or its folder was renamed or made anew: what is here moves
   * along. So mail comes once, and keeps what the person did to it.
   */
  async moves(surveyed: Surveyed, vanished: Vanished): Promise<void> {
    const { folder, generation, fresh } = surveyed;
    const candidates = fresh.filter((message) => vanished.mayHold(message));
    if (candidates.length === 0) return;
    const found = new Map<string, Rekeyed>();
    for await (const { message, header } of this.#source.headers(folder, candidates)) {
      const hash = hashHeader(header);
      const from = vanished.take(message, hash, groupOf(folder.name));
      if (from === undefined) continue;
      // The flags of before: what changed with the move is carried over like any change.
      const note = noteOf({ ...message, flags: parseNote(from.note).flags }, hash);
      found.set(message.id, { from, key: keyOf(folder.name, generation, message.id), note });
    }
    if (found.size === 0) return;
    await this.#move([...found.values()], await this.#here.mailbox(folder));
    await this.#flagsAfterMove(surveyed, found);
    surveyed.fresh = fresh.filter(({ id }) => !found.has(id));
    this.#tally.moved += found.size;
  }

  async #move(found: readonly Rekeyed[], to: Mailbox): Promise<void> {
    const { store, account } = this.#here;
    const byMailbox = Map.groupBy(found, ({ from }) => from.mailbox);
    const there = new Set((await store.mailboxes.list(account)).map(({ id }) => id));
    for (const [mailbox, moved] of byMailbox) {
      if (mailbox === to.id || !there.has(mailbox)) await store.origins.rekey(account, moved);
      else await store.origins.move(account, mailbox, moved, to.id);
    }
  }

  async #flagsAfterMove({ folder, fresh }: Surveyed, found: ReadonlyMap<string, Rekeyed>): Promise<void> {
    const messages = new Map(fresh.map((message) => [found.get(message.id)?.key, message]));
    const changed: Changed[] = [];
    for await (const brought of this.#here.origins(groupOf(folder.name))) {
      const message = messages.get(brought.key);
      const change = message === undefined ? undefined : flagChange(brought, message);
      if (change !== undefined) changed.push(change);
    }
    await this.carryFlags(changed);
  }

  /** Removes here what is gone from the source; it stays restorable. What the person changed here since is theirs. */
  async removals(vanished: readonly Brought[], allowed: boolean): Promise<void> {
    if (vanished.length === 0) return;
    if (!allowed || this.#keepRemoved) {
      this.#tally.kept += vanished.length;
      if (!allowed) {
        this.#tally.notes.push(
          `${vanished.length} messages seem to be gone from the source, but it did not show all it has: they are kept here.`,
        );
      }
      return;
    }
    const { store, account } = this.#here;
    for (const [mailbox, messages] of Map.groupBy(vanished, (brought) => brought.mailbox)) {
      const view = await this.#here.view(mailbox);
      const unchanged = messages.filter(({ uid, note }) => sameAsBrought(view, uid, note));
      const here = messages.filter(({ uid }) => view !== undefined && view.indexOf(uid) !== -1);
      const uids = unchanged.map(({ uid }) => uid).sort((a, b) => a - b);
      const removed = await store.messages.expunge({ account, mailbox }, uids);
      this.#tally.removed += removed.length;
      this.#tally.kept += here.length - unchanged.length;
      // Those that are kept stay remembered: should the source show them again, they are not brought again.
      const kept = new Set(here);
      for (const brought of unchanged) kept.delete(brought);
      const forgotten = messages.filter((brought) => !kept.has(brought)).map(({ key }) => key);
      await store.origins.forget(account, this.#source.id, forgotten);
    }
  }
}

/** True when a message is where it was brought to, with the flags that the source gave it. */
function sameAsBrought(view: MailboxView | undefined, uid: Uid, note: string): boolean {
  const index = view?.indexOf(uid) ?? -1;
  if (index === -1) return false;
  const { flags } = view!.entry(index);
  const brought = flagsOf(parseNote(note).flags);
  return flagNames(flags).sort().join(' ').toLowerCase() === flagNames(brought).sort().join(' ').toLowerCase();
}
