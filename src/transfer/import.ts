/**
 * Brings mail from files into an account. Messages stream into the store and are filed in batches, each durable before the next is filed.
 *
 * Invariants
 * - What was brought is recorded with the message in one transaction (store/operations/origins.ts): a run that is killed and repeated brings
 *   nothing twice and leaves nothing out. A message is known by its folder's path and its unique name there (Maildir) or its content and how
 *   often that came before in the folder (mbox, .eml).
 * - One message that can't be read is left out and said; it never ends the run.
 * - Memory is bound: a batch, what is read ahead, and a folder's list of what was brought.
 */
import { createHash, hash } from 'node:crypto';
import { Refused } from '../errors.ts';
import { Pace } from '../pace.ts';
import type { OnProgress, Progress } from '../progress.ts';
import type { MailboxKey } from '../store/api.ts';
import { flagNames, flagsFrom } from '../store/flags.ts';
import type { AccountId, MailboxId, Uid } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Appended, Brought, Mailbox, StagedMessage } from '../store/types.ts';
import { type Destination, destinations } from './destinations.ts';
import { flagsOf } from './keywords.ts';
import {
  type Found,
  type FoundMessage,
  fileReason,
  isFileError,
  type LeftOut,
  leftOutReason,
  type SourceFolder,
  type Sources,
} from './source.ts';

export interface ImportOptions {
  /** Mailbox under which everything goes. Absent: INBOX, and folders beside it. */
  readonly top?: string | undefined;
  /** See {@link import('./source.ts').Reading.uidlFormat}. */
  readonly uidlFormat: string | null;
  /** Forget what was brought before: everything comes again. */
  readonly again: boolean;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface ImportReport {
  readonly folders: readonly FolderReport[];
  /** Messages brought by this run, and their bytes. */
  readonly messages: number;
  readonly bytes: number;
  /** What was left out, and why; the first {@link MOST_REPORTED}. */
  readonly skipped: readonly LeftOut[];
  readonly skippedCount: number;
  /** It was stopped before its end. */
  readonly interrupted: boolean;
}

/** A folder of the source against the account. */
export interface FolderReport {
  /** In the source; empty at its top. */
  readonly folder: string;
  /** In the account. */
  readonly mailbox: string;
  /** Messages in the source. */
  found: number;
  /** By this run, and their bytes. */
  brought: number;
  bytes: number;
  /** By runs before. */
  before: number;
  leftOut: number;
  /** Of those brought, by whichever run: how many are in the account where they were put. The others were moved or removed since. */
  there: number;
  /** Messages whose flags were changed in the source since the last run, and now here. */
  flagsChanged: number;
  /** Messages whose unique id for POP3 the account has already: they got one of their own. */
  newUidls: number;
}

const BATCH_MESSAGES = 100;
const BATCH_BYTES = 4 << 20;
/** Mail that another server took in is not refused for its size, within reason. */
const LARGEST = 1 << 30;
const MOST_REPORTED = 100;
const PROGRESS_EVERY = 20;
/** Why a folder can't be made for what is brought. */
const NO_FOLDER: readonly string[] = ['mailbox.forbidden', 'mailbox.exists', 'mailbox.missing', 'limit.reached'];

/** Brings everything that was found. @throws Refused `quota.exceeded`, `store.full`, `transfer.busy`; what was filed before stays */
export async function importSources(
  store: MailStore,
  account: AccountId,
  sources: Sources,
  options: ImportOptions,
): Promise<ImportReport> {
  const run = new ImportRun(store, account, sources, options);
  await run.all();
  return run.report();
}

class ImportRun {
  readonly #store: MailStore;
  readonly #account: AccountId;
  readonly #sources: Sources;
  readonly #options: ImportOptions;
  readonly #folders: FolderReport[] = [];
  readonly #skipped: LeftOut[] = [];
  readonly #meter: Meter;
  #skippedCount = 0;

  constructor(store: MailStore, account: AccountId, sources: Sources, options: ImportOptions) {
    this.#store = store;
    this.#account = account;
    this.#sources = sources;
    this.#options = options;
    this.#meter = new Meter(sources.folders, options.onProgress);
  }

  report(): ImportReport {
    const sum = (of: 'brought' | 'bytes') => this.#folders.reduce((total, folder) => total + folder[of], 0);
    return {
      folders: this.#folders,
      messages: sum('brought'),
      bytes: sum('bytes'),
      skipped: this.#skipped,
      skippedCount: this.#skippedCount,
      interrupted: this.#options.signal.aborted,
    };
  }

  async all(): Promise<void> {
    const { folders, leftOut, subscriptions } = this.#sources;
    const { top, signal } = this.#options;
    for (const each of leftOut) this.#leaveOut(each);
    const places = destinations(folders, await this.#store.mailboxes(this.#account), top);
    for (const [index, folder] of folders.entries()) {
      if (signal.aborted) return;
      await this.#folder(folder, places[index]!);
    }
    if (top === undefined) for (const name of subscriptions) await this.#subscribe(name);
  }

  async #folder(folder: SourceFolder, place: Destination): Promise<void> {
    let mailbox: Mailbox;
    try {
      mailbox = await this.#mailbox(folder, place);
    } catch (error) {
      // The person may be changing folders meanwhile; other folders come all the same.
      if (!(error instanceof Refused) || !NO_FOLDER.includes(error.code)) throw error;
      this.#leaveOut({ where: folder.path, reason: error.message });
      return;
    }
    const source = `file:${folder.path}`;
    if (this.#options.again) await forgetSource(this.#store, this.#account, source);
    const before = new Map<string, Brought>();
    for await (const brought of this.#store.origins.all(this.#account, source)) before.set(brought.key, brought);

    const { name } = folder;
    const report: FolderReport = {
      ...{ folder: name, mailbox: mailbox.path, found: 0, brought: 0, bytes: 0, before: 0 },
      ...{ leftOut: 0, there: 0, flagsChanged: 0, newUidls: 0 },
    };
    this.#folders.push(report);
    this.#meter.folder(folder);
    const import_ = new FolderImport(
      this.#store,
      { account: this.#account, mailbox: mailbox.id },
      source,
      before,
      report,
    );
    const reading = {
      uidlFormat: this.#options.uidlFormat,
      known: (key: string, flags: readonly string[]) => {
        if (!import_.known(key, flags)) return false;
        this.#meter.message();
        return true;
      },
      position: (bytes: number) => this.#meter.position(bytes),
    };
    try {
      for await (const found of folder.read(reading)) {
        if (this.#options.signal.aborted) break;
        const refusal = await import_.take(found);
        if (refusal !== undefined) this.#leaveOut(refusal);
        this.#meter.message();
      }
    } catch (error) {
      if (!isFileError(error)) {
        await import_.giveUp();
        throw error;
      }
      // The rest of this folder can't be read; the others may.
      this.#leaveOut({ where: error.path ?? folder.path, reason: fileReason(error) });
    }
    await import_.finish();
  }

  async #mailbox(folder: SourceFolder, { path, role, rename }: Destination): Promise<Mailbox> {
    const find = async () => (await this.#store.mailboxes(this.#account)).find((mailbox) => mailbox.path === path);
    if (rename !== null) await this.#store.renameMailbox(this.#account, rename.id, path);
    const existing = await find();
    const mailbox =
      existing?.selectable === true
        ? existing
        : await this.#store.createMailbox(this.#account, path, role ?? undefined);
    // What a person had and sees is not hidden from them, but for what our own export tells to the letter.
    const made = existing === undefined || (folder.indexed && mailbox.total === 0);
    const subscribed = made ? (folder.subscribed ?? true) : mailbox.subscribed || folder.subscribed === true;
    if (subscribed !== mailbox.subscribed) await this.#store.setSubscribed(this.#account, path, subscribed);
    return mailbox;
  }

  async #subscribe(name: string): Promise<void> {
    try {
      await this.#store.setSubscribed(this.#account, name, true);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#leaveOut({ where: `the subscription to ${name}`, reason: error.message });
    }
  }

  #leaveOut(what: LeftOut): void {
    this.#skippedCount++;
    if (this.#skipped.length < MOST_REPORTED) this.#skipped.push(what);
  }
}

/** Forgets what was brought from a folder; the messages stay. */
async function forgetSource(store: MailStore, account: AccountId, source: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.origins.all(account, source)) keys.push(key);
  await store.origins.forget(account, source, keys);
}

/** One folder on its way into one mailbox. */
class FolderImport {
  readonly #store: MailStore;
  readonly #key: MailboxKey;
  readonly #source: string;
  readonly #before: ReadonlyMap<string, Brought>;
  readonly #report: FolderReport;
  /** Of this run, how often each content came. */
  readonly #contents = new Map<string, number>();
  readonly #placed = new Map<MailboxId, Uid[]>();
  readonly #flagged: { readonly brought: Brought; readonly note: string }[] = [];
  readonly #pace = new Pace();
  #uidls: Set<string> | undefined;
  #batch: Appended[] = [];
  #batchBytes = 0;
  /** The batch before, on its way to the disk. */
  #writing: Promise<void> = Promise.resolve();

  constructor(
    store: MailStore,
    key: MailboxKey,
    source: string,
    before: ReadonlyMap<string, Brought>,
    report: FolderReport,
  ) {
    this.#store = store;
    this.#key = key;
    this.#source = source;
    this.#before = before;
    this.#report = report;
  }

  /** True for a message that was brought before; its flags may have changed in the source. */
  known(key: string, flags: readonly string[]): boolean {
    const brought = this.#before.get(key);
    if (brought === undefined) return false;
    this.#report.found++;
    this.#report.before++;
    this.#place(brought.mailbox, brought.uid);
    const note = noteOf(flags);
    if (note !== brought.note) this.#flagged.push({ brought, note });
    return true;
  }

  /** Takes a message in. @returns why not, if it can't be brought */
  async take(found: Found): Promise<LeftOut | undefined> {
    if ('reason' in found) {
      this.#report.found++;
      this.#report.leftOut++;
      return found;
    }
    try {
      await this.#take(found);
      return undefined;
    } catch (error) {
      const reason = leftOutReason(error);
      if (reason === undefined) throw error;
      this.#report.found++;
      this.#report.leftOut++;
      return { where: found.where, reason };
    }
  }

  async #take(found: FoundMessage): Promise<void> {
    const { content, flags } = found;
    let key = found.key;
    if (key === null && Buffer.isBuffer(content)) {
      key = this.#contentKey(hash('sha256', content, 'buffer'));
      if (this.known(key, flags)) return;
    }
    const stage = this.#store.stage(LARGEST);
    let staged: StagedMessage;
    try {
      if (Buffer.isBuffer(content)) await stage.write(content);
      else {
        const sum = createHash('sha256');
        for await (const part of content) {
          sum.update(part);
          await stage.write(part);
        }
        key ??= this.#contentKey(sum.digest());
        if (found.key === null && this.known(key, flags)) {
          stage.abandon();
          return;
        }
      }
      staged = await stage.finish();
    } catch (error) {
      stage.abandon();
      throw error;
    }
    const uidl = await this.#freeUidl(found.uidl);
    const received = found.received ?? staged.analysis.sent ?? found.modified;
    this.#batch.push({
      staged,
      flags: flagsOf(flags),
      ...(received === undefined ? {} : { received }),
      ...(uidl === undefined ? {} : { uidl }),
      origin: { source: this.#source, key: key!, note: noteOf(flags) },
    });
    this.#report.found++;
    this.#batchBytes += staged.analysis.size;
    if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) await this.#flush();
  }

  /** Files what is left, carries changed flags over, and sees what of all is there. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#carryFlags();
    await this.#count();
  }

  /** After an error: what was taken in is filed with nobody. */
  async giveUp(): Promise<void> {
    for (const { staged } of this.#batch.splice(0)) this.#store.discard(staged);
    await this.#writing.catch(() => {}); // the first error counts
  }

  /** Begins to file the batch, once the one before is durable: the next is read meanwhile. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const bytes = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = this.#store.append(this.#key, batch).then(({ uids }) => {
      this.#report.brought += uids.length;
      this.#report.bytes += bytes;
      for (const uid of uids) this.#place(this.#key.mailbox, uid);
    });
    this.#writing.catch(() => {}); // thrown where it is awaited
  }

  #place(mailbox: MailboxId, uid: Uid): void {
    const uids = this.#placed.get(mailbox);
    if (uids === undefined) this.#placed.set(mailbox, [uid]);
    else uids.push(uid);
  }

  /** The same content may lie in a folder twice, and is to be brought twice: the second is another message. */
  #contentKey(sum: Buffer): string {
    const content = sum.toString('base64url', 0, 16);
    const count = (this.#contents.get(content) ?? 0) + 1;
    this.#contents.set(content, count);
    return count === 1 ? content : `${content}.${count}`;
  }

  /** POP3's unique ids must differ within a mailbox (RFC 1939 7). @returns undefined when there is none, or the mailbox has it already */
  async #freeUidl(uidl: string | null): Promise<string | undefined> {
    // RFC 1939 7: one to 70 characters from ! to ~.
    if (uidl === null || !/^[\x21-\x7e]{1,70}$/.test(uidl)) return undefined;
    if (this.#uidls === undefined) {
      this.#uidls = new Set();
      const view = await this.#store.view(this.#key);
      for (let index = 0; index < view.length; index++) {
        this.#uidls.add(view.uidl(index));
        await this.#pace.pause();
      }
    }
    if (this.#uidls.has(uidl)) {
      this.#report.newUidls++;
      return undefined;
    }
    this.#uidls.add(uidl);
    return uidl;
  }

  /**
   * Only what changed in the source since the last run is changed here: what the person did here stays.
   * Dies here: the flags are changed, the notes are not; the next run does it again, which changes nothing.
   */
  async #carryFlags(): Promise<void> {
    const changes = new Map<string, { mailbox: MailboxId; how: 'add' | 'remove'; names: string[]; uids: Uid[] }>();
    const change = (brought: Brought, how: 'add' | 'remove', names: string[]) => {
      if (names.length === 0) return;
      const key = `${brought.mailbox} ${how} ${names.join(' ')}`;
      const group = changes.get(key);
      if (group === undefined) changes.set(key, { mailbox: brought.mailbox, how, names, uids: [brought.uid] });
      else group.uids.push(brought.uid);
    };
    for (const { brought, note } of this.#flagged) {
      const [then, now] = [brought.note, note].map((text) => text.split(' ').filter((name) => name !== ''));
      change(
        brought,
        'add',
        now!.filter((name) => !then!.includes(name)),
      );
      change(
        brought,
        'remove',
        then!.filter((name) => !now!.includes(name)),
      );
    }
    for (const { mailbox, how, names, uids } of changes.values()) {
      uids.sort((a, b) => a - b);
      try {
        await this.#store.storeFlags({ ...this.#key, mailbox }, uids, { how, flags: flagsFrom(names) });
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    const notes = this.#flagged.map(({ brought, note }) => ({ key: brought.key, note }));
    await this.#store.origins.note(this.#key.account, this.#source, notes);
    this.#report.flagsChanged = notes.length;
  }

  async #count(): Promise<void> {
    for (const [mailbox, uids] of this.#placed) {
      try {
        const view = await this.#store.view({ ...this.#key, mailbox });
        for (const uid of uids) {
          if (view.indexOf(uid) !== -1) this.#report.there++;
          await this.#pace.pause();
        }
      } catch (error) {
        if (!isMissing(error)) throw error; // the person deleted the folder
      }
    }
  }
}

function noteOf(flags: readonly string[]): string {
  return flagNames(flagsOf(flags)).join(' ');
}

function isMissing(error: unknown): boolean {
  return error instanceof Refused && error.code === 'mailbox.missing';
}

/** Says how far the run is: by messages where all are counted, by bytes where all are mbox files. */
class Meter {
  readonly #onProgress: OnProgress;
  readonly #unit: Progress['unit'];
  readonly #total: number | undefined;
  #what = '';
  #done = 0;
  #messages = 0;
  #folderFrom = 0;
  #folderBytes = 0;

  constructor(folders: readonly SourceFolder[], onProgress: OnProgress) {
    this.#onProgress = onProgress;
    const counted = folders.every((folder) => folder.messages !== null);
    this.#unit = !counted && folders.every((folder) => folder.kind === 'mbox') ? 'bytes' : 'messages';
    if (counted) this.#total = folders.reduce((sum, folder) => sum + folder.messages!, 0);
    else if (this.#unit === 'bytes') this.#total = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  }

  folder({ name, bytes }: SourceFolder): void {
    this.#what = name || 'INBOX';
    this.#folderFrom += this.#folderBytes;
    this.#folderBytes = bytes;
    if (this.#unit === 'bytes') this.#done = this.#folderFrom;
    this.#say();
  }

  message(): void {
    this.#messages++;
    if (this.#unit === 'messages') this.#done = this.#messages;
    if (this.#messages % PROGRESS_EVERY === 0) this.#say();
  }

  position(bytes: number): void {
    if (this.#unit === 'bytes') this.#done = this.#folderFrom + bytes;
  }

  #say(): void {
    const total = this.#total;
    this.#onProgress({
      what: this.#what,
      done: this.#done,
      unit: this.#unit,
      ...(total === undefined ? {} : { total }),
    });
  }
}
