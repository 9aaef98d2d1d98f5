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
import { Refused } from '../errors.ts';
import type { OnProgress } from '../progress.ts';
import type { MailboxView } from '../store/api.ts';
import { flagNames, flagsFrom, MAX_KEYWORDS } from '../store/flags.ts';
import type { AccountId, EpochSeconds, MailboxId, Uid } from '../store/ids.ts';
import type { Rekeyed } from '../store/origins.ts';
import type { MailStore } from '../store/store.ts';
import type { Appended, Brought, Mailbox, StagedMessage } from '../store/types.ts';
import { type Changed, differences, flagChange, Vanished } from './differences.ts';
import { folderOf, groupOf, HeaderHash, hashHeader, keyOf, noteOf, parseNote } from './origin.ts';
import { Tally } from './report.ts';
import { type Fetched, FolderUnreadable, type Source, type SourceFolder, type SourceMessage } from './source.ts';
import { SourceLost, SourceSaidNo } from './trouble.ts';
import type { UidlFinder } from './uidl-finder.ts';

export interface MigrationOptions {
  /** Keep here what is removed at the source. */
  readonly keepRemoved: boolean;
  readonly uidls: UidlFinder;
  readonly signal: AbortSignal;
  /** Told as `total` becomes known and messages come. */
  readonly progress: OnProgress;
}

const BATCH_MESSAGES = 200;
const BATCH_BYTES = 4 << 20;
const DAY: EpochSeconds = 86_400;
/** Mail that another server took in is not refused for its size, within reason. */
const LARGEST = 1 << 30;

/** A folder as it was found at the source. */
interface Surveyed {
  readonly folder: SourceFolder;
  readonly generation: string;
  readonly messages: number;
  readonly bytes: number;
  fresh: readonly SourceMessage[];
  /** Of the fresh ones, those that came. */
  brought: number;
}

export class Migration {
  readonly tally = new Tally();
  readonly #store: MailStore;
  readonly #account: AccountId;
  readonly #source: Source;
  readonly #options: MigrationOptions;
  readonly #mailboxes = new Map<string, Mailbox>();
  #wanted = 0;
  #allReadable = true;

  constructor(store: MailStore, account: AccountId, source: Source, options: MigrationOptions) {
    this.#store = store;
    this.#account = account;
    this.#source = source;
    this.#options = options;
  }

  /** Brings what is new and follows what changed. @throws Refused, and what aborting the signal throws; the tally tells what came before */
  async pull(): Promise<void> {
    const vanished = new Vanished();
    const surveyed = await this.#survey(vanished, true);
    for (const each of surveyed) await this.#readable(each.folder, () => this.#followMoves(each, vanished));
    this.#wanted = surveyed.reduce((sum, { fresh }) => sum + fresh.length, 0);
    this.#tell('');
    for (const each of surveyed) await this.#readable(each.folder, () => this.#bring(each));
    const gone = vanished.rest();
    // A source that shows nothing at all is more likely to be ill than empty; and what could not be read has not vanished.
    const empty = surveyed.every(({ messages }) => messages === 0);
    await this.#remove(gone, this.#allReadable && !empty);
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
    for (const group of await this.#store.origins.groups(this.#account, this.#source.id)) {
      if (listed.has(group)) continue;
      this.tally.notes.push(`“${folderOf(group)}” is gone from the source.`);
      vanished.add(await Array.fromAsync(this.#origins(group)));
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
    const brought = await Array.fromAsync(this.#origins(groupOf(folder.name)));
    const found = differences(folder.name, listing, brought);
    vanished.add(found.vanished);
    let fresh: readonly SourceMessage[] = found.fresh;
    if (follow) {
      // A folder that the person deleted here is not made again for nothing.
      if (brought.length === 0) await this.#mailbox(folder);
      await this.#carryFlags(found.changed);
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

  // ---- following

  /** Carries over what the source did to flags. The note comes after: killed between them, it is done once more. */
  async #carryFlags(changed: readonly Changed[]): Promise<void> {
    if (changed.length === 0) return;
    const groups = new Map<string, { readonly change: Changed; readonly uids: Uid[] }>();
    for (const change of changed) {
      const { brought, added, removed } = change;
      const alike = `${brought.mailbox} +${added.join(' ')} -${removed.join(' ')}`;
      const group = groups.get(alike);
      if (group === undefined) groups.set(alike, { change, uids: [brought.uid] });
      else group.uids.push(brought.uid);
    }
    for (const { change, uids } of groups.values()) {
      const key = { account: this.#account, mailbox: change.brought.mailbox };
      uids.sort((a, b) => a - b);
      try {
        if (change.added.length > 0)
          await this.#store.messages.storeFlags(key, uids, { how: 'add', flags: flagsOf(change.added) });
        if (change.removed.length > 0)
          await this.#store.messages.storeFlags(key, uids, { how: 'remove', flags: flagsOf(change.removed) });
      } catch (error) {
        if (!isGone(error)) throw error; // the person deleted the folder here
      }
    }
    const notes = changed.map(({ brought, message }) => ({
      key: brought.key,
      note: noteOf(message, parseNote(brought.note).header),
    }));
    await this.#store.origins.note(this.#account, this.#source.id, notes);
    this.tally.flagged += changed.length;
  }

  /**
   * A message that vanished in one folder and is new in another was moved there, or its folder was renamed or made anew: what is here moves
   * along. So mail comes once, and keeps what the person did to it.
   */
  async #followMoves(surveyed: Surveyed, vanished: Vanished): Promise<void> {
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
    await this.#move([...found.values()], await this.#mailbox(folder));
    await this.#flagsAfterMove(surveyed, found);
    surveyed.fresh = fresh.filter(({ id }) => !found.has(id));
    this.tally.moved += found.size;
  }

  async #move(found: readonly Rekeyed[], to: Mailbox): Promise<void> {
    const byMailbox = Map.groupBy(found, ({ from }) => from.mailbox);
    const there = new Set((await this.#store.mailboxes.list(this.#account)).map(({ id }) => id));
    for (const [mailbox, moved] of byMailbox) {
      if (mailbox === to.id || !there.has(mailbox)) await this.#store.origins.rekey(this.#account, moved);
      else await this.#store.origins.move(this.#account, mailbox, moved, to.id);
    }
  }

  async #flagsAfterMove({ folder, fresh }: Surveyed, found: ReadonlyMap<string, Rekeyed>): Promise<void> {
    const messages = new Map(fresh.map((message) => [found.get(message.id)?.key, message]));
    const changed: Changed[] = [];
    for await (const brought of this.#origins(groupOf(folder.name))) {
      const message = messages.get(brought.key);
      const change = message === undefined ? undefined : flagChange(brought, message);
      if (change !== undefined) changed.push(change);
    }
    await this.#carryFlags(changed);
  }

  /** Removes here what is gone from the source; it stays restorable. What the person changed here since is theirs. */
  async #remove(vanished: readonly Brought[], allowed: boolean): Promise<void> {
    if (vanished.length === 0) return;
    if (!allowed || this.#options.keepRemoved) {
      this.tally.kept += vanished.length;
      if (!allowed) {
        this.tally.notes.push(
          `${vanished.length} messages seem to be gone from the source, but it did not show all it has: they are kept here.`,
        );
      }
      return;
    }
    for (const [mailbox, messages] of Map.groupBy(vanished, (brought) => brought.mailbox)) {
      const view = await this.#view(mailbox);
      const unchanged = messages.filter(({ uid, note }) => sameAsBrought(view, uid, note));
      const here = messages.filter(({ uid }) => view !== undefined && view.indexOf(uid) !== -1);
      const uids = unchanged.map(({ uid }) => uid).sort((a, b) => a - b);
      const removed = await this.#store.messages.expunge({ account: this.#account, mailbox }, uids);
      this.tally.removed += removed.length;
      this.tally.kept += here.length - unchanged.length;
      // Those that are kept stay remembered: should the source show them again, they are not brought again.
      const kept = new Set(here);
      for (const brought of unchanged) kept.delete(brought);
      const forgotten = messages.filter((brought) => !kept.has(brought)).map(({ key }) => key);
      await this.#store.origins.forget(this.#account, this.#source.id, forgotten);
    }
  }

  // ---- bringing

  /** Brings what is new in a folder. One batch is made durable while the next comes. */
  async #bring(surveyed: Surveyed): Promise<void> {
    const { folder, generation, fresh } = surveyed;
    if (fresh.length === 0) return;
    const { id: mailbox } = await this.#mailbox(folder);
    const wanted = fresh.filter((message) => message.sizeBytes <= LARGEST || this.#tooLarge(folder, message));
    let batch = new Batch();
    let filing: Promise<void> = Promise.resolve();
    const file = async () => {
      await filing;
      const full = batch;
      batch = new Batch();
      filing = this.#file(surveyed, mailbox, full);
      filing.catch(() => {}); // heard of when it is awaited
    };
    try {
      for await (const fetched of this.#source.messages(folder, wanted)) {
        this.#options.signal.throwIfAborted();
        const appended = await this.#take(folder, generation, fetched);
        if (appended !== undefined) batch.add(appended);
        if (batch.isFull) await file();
      }
      await file();
    } finally {
      await filing.finally(() => {
        for (const { staged } of batch.messages) this.#store.discard(staged);
      });
    }
  }

  #tooLarge(folder: SourceFolder, { id, sizeBytes }: SourceMessage): boolean {
    this.tally.skip({ folder: folder.name, message: id, reason: `it has ${sizeBytes} bytes, more than can be kept` });
    return false;
  }

  /** Takes one message in. @returns undefined when it was left out, or will come again */
  async #take(folder: SourceFolder, generation: string, fetched: Fetched): Promise<Appended | undefined> {
    const { message } = fetched;
    const skip = (reason: string) => this.tally.skip({ folder: folder.name, message: message.id, reason });
    if ('problem' in fetched) {
      skip(fetched.problem);
      return undefined;
    }
    const stage = this.#store.stage(LARGEST);
    const header = new HeaderHash();
    let staged: StagedMessage;
    try {
      for await (const chunk of fetched.content) {
        header.push(chunk);
        await stage.write(chunk);
      }
      staged = await stage.finish();
    } catch (error) {
      stage.abandon();
      if (error instanceof SourceLost || error instanceof SourceSaidNo) return undefined;
      if (!(error instanceof Refused) || error.code !== 'message.too-large') throw error;
      skip(error.message);
      return undefined;
    }
    const key = keyOf(folder.name, generation, message.id);
    const received = [message.received, staged.analysis.sent].find(isPlausible);
    return {
      staged,
      flags: flagsOf(message.flags),
      origin: { source: this.#source.id, key, note: noteOf(message, header.digest()) },
      ...(received === undefined ? {} : { received }),
      ...(message.uidl === undefined ? {} : { uidl: message.uidl }),
    };
  }

  async #file(surveyed: Surveyed, mailbox: MailboxId, { messages, bytes }: Batch): Promise<void> {
    if (messages.length === 0) return;
    await this.#store.append({ account: this.#account, mailbox }, messages);
    surveyed.brought += messages.length;
    this.tally.brought.messages += messages.length;
    this.tally.brought.bytes += bytes;
    this.#tell(surveyed.folder.path);
  }

  // ---- what differs

  /** @param gone  remembered, but no longer at the source */
  async #compare(surveyed: readonly Surveyed[], gone: readonly Brought[]): Promise<void> {
    const left = new Set(gone.map(({ key }) => key));
    for (const { folder, messages, bytes, fresh, brought } of surveyed) {
      const here = { messages: 0, bytes: 0 };
      let elsewhere = 0;
      const views = new Map<MailboxId, MailboxView | undefined>();
      for await (const { key, mailbox, uid } of this.#origins(groupOf(folder.name))) {
        if (left.has(key)) continue;
        if (!views.has(mailbox)) views.set(mailbox, await this.#view(mailbox));
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

  // ---- here

  #origins(group: string): AsyncGenerator<Brought, void, void> {
    return this.#store.origins.of(this.#account, this.#source.id, group);
  }

  /** The mailbox of a folder; made, with its use and its subscription, when it isn't there. */
  async #mailbox({ path, role, subscribed }: SourceFolder): Promise<Mailbox> {
    const known = this.#mailboxes.get(path);
    if (known !== undefined) return known;
    const all = await this.#store.mailboxes.list(this.#account);
    let mailbox = all.find((each) => each.path === path && each.selectable);
    if (mailbox === undefined) {
      const free = role !== null && !all.some((each) => each.role === role);
      try {
        mailbox = await this.#store.mailboxes.create(this.#account, path, free ? role : undefined);
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'mailbox.forbidden') throw error;
        throw new FolderUnreadable(error.message);
      }
      if (subscribed) await this.#store.mailboxes.setSubscribed(this.#account, path, true);
    }
    this.#mailboxes.set(path, mailbox);
    return mailbox;
  }

  /** Undefined when the person deleted the mailbox. */
  async #view(mailbox: MailboxId): Promise<MailboxView | undefined> {
    try {
      return await this.#store.view({ account: this.#account, mailbox });
    } catch (error) {
      if (!isGone(error)) throw error;
      return undefined;
    }
  }

  #tell(what: string): void {
    const { messages: done } = this.tally.brought;
    const total = this.#wanted === 0 ? {} : { total: this.#wanted };
    this.#options.progress({ what, done, ...total, unit: 'messages' });
  }
}

/** Messages on their way into one mailbox together. */
class Batch {
  readonly messages: Appended[] = [];
  bytes = 0;

  get isFull(): boolean {
    return this.messages.length >= BATCH_MESSAGES || this.bytes >= BATCH_BYTES;
  }

  add(appended: Appended): void {
    this.messages.push(appended);
    this.bytes += appended.staged.analysis.size;
  }
}

/** Of more keywords than a message may have here, the first. */
function flagsOf(names: readonly string[]) {
  const { bits, keywords } = flagsFrom(names);
  return { bits, keywords: keywords.slice(0, MAX_KEYWORDS) };
}

/** True when a message is where it was brought to, with the flags that the source gave it. */
function sameAsBrought(view: MailboxView | undefined, uid: Uid, note: string): boolean {
  const index = view?.indexOf(uid) ?? -1;
  if (index === -1) return false;
  const { flags } = view!.entry(index);
  const brought = flagsOf(parseNote(note).flags);
  return flagNames(flags).sort().join(' ').toLowerCase() === flagNames(brought).sort().join(' ').toLowerCase();
}

/** A Date field may say anything; nothing was received before 1970 or after tomorrow. */
function isPlausible(date: EpochSeconds | null): date is EpochSeconds {
  return date !== null && date >= 0 && date <= Date.now() / 1_000 + DAY;
}

function isGone(error: unknown): boolean {
  return error instanceof Refused && error.code === 'mailbox.missing';
}
