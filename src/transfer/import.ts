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
import { Refused } from '../errors.ts';
import type { OnProgress } from '../progress.ts';
import type { AccountId } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Brought, Mailbox } from '../store/types.ts';
import { type Destination, destinations } from './destinations.ts';
import { FolderImport, type FolderReport } from './import-folder.ts';
import { ImportMeter } from './import-meter.ts';
import { LeftOutList, type LeftOutReport } from './left-out.ts';
import { fileReason, isFileError, type SourceFolder, type Sources } from './source.ts';

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

export interface ImportReport extends LeftOutReport {
  readonly folders: readonly FolderReport[];
  /** Messages brought by this run, and their bytes. */
  readonly messages: number;
  readonly bytes: number;
  /** It was stopped before its end. */
  readonly interrupted: boolean;
}

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
  readonly #leftOut = new LeftOutList();
  readonly #meter: ImportMeter;

  constructor(store: MailStore, account: AccountId, sources: Sources, options: ImportOptions) {
    this.#store = store;
    this.#account = account;
    this.#sources = sources;
    this.#options = options;
    this.#meter = new ImportMeter(sources.folders, options.onProgress);
  }

  report(): ImportReport {
    const sum = (of: 'brought' | 'bytes') => this.#folders.reduce((total, folder) => total + folder[of], 0);
    return {
      folders: this.#folders,
      messages: sum('brought'),
      bytes: sum('bytes'),
      ...this.#leftOut.report(),
      interrupted: this.#options.signal.aborted,
    };
  }

  async all(): Promise<void> {
    const { folders, leftOut, subscriptions } = this.#sources;
    const { top, signal } = this.#options;
    for (const each of leftOut) this.#leftOut.add(each);
    const places = destinations(folders, await this.#store.mailboxes.list(this.#account), top);
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
      this.#leftOut.add({ where: folder.path, reason: error.message });
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
        if (refusal !== undefined) this.#leftOut.add(refusal);
        this.#meter.message();
      }
    } catch (error) {
      if (!isFileError(error)) {
        await import_.giveUp();
        throw error;
      }
      // The rest of this folder can't be read; the others may.
      this.#leftOut.add({ where: error.path ?? folder.path, reason: fileReason(error) });
    }
    await import_.finish();
  }

  async #mailbox(folder: SourceFolder, { path, role, rename }: Destination): Promise<Mailbox> {
    const find = async () => (await this.#store.mailboxes.list(this.#account)).find((mailbox) => mailbox.path === path);
    if (rename !== null) await this.#store.mailboxes.rename(this.#account, rename.id, path);
    const existing = await find();
    const mailbox =
      existing?.selectable === true
        ? existing
        : await this.#store.mailboxes.create(this.#account, path, role ?? undefined);
    // What a person had and sees is not hidden from them, but for what our own export tells to the letter.
    const made = existing === undefined || (folder.indexed && mailbox.total === 0);
    const subscribed = made ? (folder.subscribed ?? true) : mailbox.subscribed || folder.subscribed === true;
    if (subscribed !== mailbox.subscribed) await this.#store.mailboxes.setSubscribed(this.#account, path, subscribed);
    return mailbox;
  }

  async #subscribe(name: string): Promise<void> {
    try {
      await this.#store.mailboxes.setSubscribed(this.#account, name, true);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#leftOut.add({ where: `the subscription to ${name}`, reason: error.message });
    }
  }
}

/** Forgets what was brought from a folder; the messages stay. */
async function forgetSource(store: MailStore, account: AccountId, source: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.origins.all(account, source)) keys.push(key);
  await store.origins.forget(account, source, keys);
}
