/**
 * Moves one account in: brings what the source holds, and follows the source until the change-over.
 *
 * - Nothing is lost or doubled, whatever is killed and whenever: a message and the memory of where it came from are one transaction, and each
 *   run begins by comparing what the source holds with what is remembered.
 * - What the person does here stays: only what the source changed since the last run is carried over; mail that was moved or changed
 *   here is left alone.
 * - What goes wrong with one message costs that message; it is reported, and tried again by the next run.
 * - Memory holds the list of one folder, what is new in all (some 150 bytes a message), one message up to a megabyte and two batches of rows;
 *   bodies go through to the disk.
 */
import type { OnProgress } from '../progress.ts';
import type { MailboxView } from '../store/api.ts';
import type { AccountId, MailboxId } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Brought } from '../store/types.ts';
import { Bringing } from './bring.ts';
import { differences, Vanished } from './differences.ts';
import { Following } from './follow.ts';
import { Here } from './here.ts';
import { folderOf, groupOf } from './origin.ts';
import { Tally } from './report.ts';
import { FolderUnreadable, type Source, type SourceFolder, type SourceMessage } from './source.ts';
import type { Surveyed } from './surveyed.ts';
import type { UidlFinder } from './uidl-finder.ts';

export interface MigrationOptions {
  /** Keep here what is removed at the source. */
  readonly keepRemoved: boolean;
  readonly uidls: UidlFinder;
  readonly signal: AbortSignal;
  /** Told as `total` becomes known and messages come. */
  readonly progress: OnProgress;
}

export class Migration {
  readonly tally = new Tally();
  readonly #here: Here;
  readonly #source: Source;
  readonly #options: MigrationOptions;
  readonly #following: Following;
  readonly #bringing: Bringing;
  #wanted = 0;
  #allReadable = true;

  constructor(store: MailStore, account: AccountId, source: Source, options: MigrationOptions) {
    this.#source = source;
    this.#options = options;
    this.#here = new Here(store, account, source.id);
    this.#following = new Following(this.#here, source, this.tally, options.keepRemoved);
    this.#bringing = new Bringing(this.#here, source, this.tally, {
      signal: options.signal,
      came: ({ path }) => this.#tell(path),
    });
  }

  /** Brings what is new and follows what changed. @throws Refused, and what aborting the signal throws; the tally tells what came before */
  async pull(): Promise<void> {
    const vanished = new Vanished();
    const surveyed = await this.#survey(vanished, true);
    for (const each of surveyed) await this.#readable(each.folder, () => this.#following.moves(each, vanished));
    this.#wanted = surveyed.reduce((sum, { fresh }) => sum + fresh.length, 0);
    this.#tell('');
    for (const each of surveyed) await this.#readable(each.folder, () => this.#bringing.folder(each));
    const gone = vanished.rest();
    // A source that shows nothing at all is more likely to be ill than empty; and what could not be read has not vanished.
    const empty = surveyed.every(({ messages }) => messages === 0);
    await this.#following.removals(gone, this.#allReadable && !empty);
    await this.#compare(surveyed, gone);
  }

  /** Only says what a {@link pull} would find. */
  async check(): Promise<void> {
    const vanished = new Vanished();
    const surveyed = await this.#survey(vanished, false);
    await this.#compare(surveyed, vanished.rest());
  }

  // ---- what is there

  async #survey(vanished: Vanished, follow: boolean): Promise<Surveyed[]> {
    const { folders, notes } = await this.#source.folders();
    this.tally.notes.push(...notes);
    const surveyed: Surveyed[] = [];
    for (const folder of folders) {
      this.#options.signal.throwIfAborted();
      this.#tell(folder.path);
      await this.#readable(folder, async () => {
        surveyed.push(await this.#surveyFolder(folder, vanished, follow));
      });
    }
    const listed = new Set(folders.map(({ name }) => groupOf(name)));
    for (const group of await this.#here.store.origins.groups(this.#here.account, this.#source.id)) {
      if (listed.has(group)) continue;
      this.tally.notes.push(`“${folderOf(group)}” is gone from the source.`);
      vanished.add(await Array.fromAsync(this.#here.origins(group)));
    }
    return surveyed;
  }

  /** A folder that can't be read costs itself. */
  async #readable(folder: SourceFolder, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof FolderUnreadable)) throw error;
      this.#notReadable(folder, error.message);
    }
  }

  #notReadable({ name }: SourceFolder, why: string): void {
    this.#allReadable = false;
    this.tally.unreadable.add(name);
    this.tally.notes.push(`“${name}” can't be read: ${why}.`);
  }

  async #surveyFolder(folder: SourceFolder, vanished: Vanished, follow: boolean): Promise<Surveyed> {
    const listing = await this.#source.list(folder);
    if (!listing.complete) this.#notReadable(folder, 'it does not list all that it has');
    const brought = await Array.fromAsync(this.#here.origins(groupOf(folder.name)));
    const found = differences(folder.name, listing, brought);
    vanished.add(found.vanished);
    let fresh: readonly SourceMessage[] = found.fresh;
    if (follow) {
      // A folder that the person deleted here is not made again for nothing.
      if (brought.length === 0) await this.#here.mailbox(folder);
      await this.#following.carryFlags(found.changed);
      if (folder.role === 'inbox' && fresh.length > 0) {
        const { uidls, notes } = await this.#options.uidls.find(this.#source, folder, listing, fresh);
        this.tally.notes.push(...notes);
        fresh = fresh.map((message) => {
          const uidl = uidls.get(message.id);
          return uidl === undefined ? message : { ...message, uidl };
        });
      }
    }
    return {
      folder,
      generation: listing.generation,
      messages: listing.messages.length,
      bytes: listing.messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      fresh,
      brought: 0,
    };
  }

  // ---- what differs

  /** @param gone  remembered, but no longer at the source */
  async #compare(surveyed: readonly Surveyed[], gone: readonly Brought[]): Promise<void> {
    const left = new Set(gone.map(({ key }) => key));
    for (const { folder, messages, bytes, fresh, brought } of surveyed) {
      const here = { messages: 0, bytes: 0 };
      let elsewhere = 0;
      const views = new Map<MailboxId, MailboxView | undefined>();
      for await (const { key, mailbox, uid } of this.#here.origins(groupOf(folder.name))) {
        if (left.has(key)) continue;
        if (!views.has(mailbox)) views.set(mailbox, await this.#here.view(mailbox));
        const view = views.get(mailbox);
        const index = view?.indexOf(uid) ?? -1;
        if (index === -1) elsewhere += 1;
        else {
          here.messages += 1;
          here.bytes += view!.size(index);
        }
      }
      const missing = fresh.length - brought;
      this.tally.folders.push({
        name: folder.name,
        path: folder.path,
        source: { messages, bytes },
        here,
        elsewhere,
        missing,
      });
    }
  }

  #tell(what: string): void {
    const { messages: done } = this.tally.brought;
    const total = this.#wanted === 0 ? {} : { total: this.#wanted };
    this.#options.progress({ what, done, ...total, unit: 'messages' });
  }
}
