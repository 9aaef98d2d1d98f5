/**
 * Writes the mail of an account into files: as a Maildir, as mbox files, or as .eml files. It streams, while the account is in use: each
 * mailbox is written as it is at one moment.
 *
 * Invariants
 * - Only into an empty directory, or one that an export of the same account in the same format made: the index (rainmail-index.ts) tells. What
 *   others put there is never written over.
 * - A file has its name only when all of it is on the disk. So a run that was interrupted is repeated, and what is there isn't written again.
 * - Nothing is removed: mail that the account has no more stays in the files.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { Pace } from '../pace.ts';
import type { OnProgress } from '../progress.ts';
import type { MailboxView, Store } from '../store/api.ts';
import { nodeFiles } from '../store/bodies/files.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { Mailbox } from '../store/types.ts';
import { writeEml } from './eml-writer.ts';
import type { ExportFolder, FolderExported } from './export-folder.ts';
import { exportPlaces } from './export-places.ts';
import { LeftOutList, type LeftOutReport } from './left-out.ts';
import { formatSubscriptions, maildirDirectory } from './maildir-dovecot.ts';
import { writeMaildir } from './maildir-writer.ts';
import { mboxSize, writeMbox } from './mbox-writer.ts';
import { type ExportIndex, type Format, formatIndex, INDEX, type IndexedFolder, parseIndex } from './rainmail-index.ts';
import { textOf } from './read-files.ts';
import { isFileError } from './source.ts';
import { writeWhole } from './written-files.ts';

export interface ExportOptions {
  /** Absolute; made if it is missing. */
  readonly directory: string;
  readonly format: Format;
  /** Keep CRLF in files of Maildirs and mboxes. */
  readonly crlf: boolean;
  /** Only this mailbox and those below it. */
  readonly folder?: string | undefined;
  /** Only what was received since. */
  readonly since?: EpochSeconds | undefined;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface ExportReport extends LeftOutReport {
  readonly folders: readonly FolderExported[];
  /** Messages written by this run, and their bytes. */
  readonly messages: number;
  readonly bytes: number;
  readonly interrupted: boolean;
}

const PROGRESS_EVERY = 20;

/** @throws Refused `export.foreign`, `export.unwritable`, `mailbox.missing` */
export async function exportAccount(
  store: Store,
  account: { readonly id: AccountId; readonly name: string },
  options: ExportOptions,
): Promise<ExportReport> {
  try {
    const run = new ExportRun(store, account, options);
    await run.all();
    return run.report();
  } catch (error) {
    if (!isFileError(error)) throw error;
    const why =
      error.code === 'ENOSPC'
        ? 'the disk is full'
        : error.code === 'EACCES'
          ? 'the user that runs Rainmail may not write there'
          : 'reading or writing failed';
    throw new Refused(
      'export.unwritable',
      `${error.path ?? options.directory}: ${why} (${error.code}). What is written stays; run it again to go on.`,
      {
        cause: error,
      },
    );
  }
}

class ExportRun {
  readonly #store: Store;
  readonly #account: { readonly id: AccountId; readonly name: string };
  readonly #options: ExportOptions;
  readonly #folders: FolderExported[] = [];
  readonly #leftOut = new LeftOutList();
  #done = 0;
  #total = 0;
  /** What the index tells of each mailbox, by its name. */
  #known = new Map<string, IndexedFolder>();
  /** Subscribed names that no mailbox has. */
  #dangling: readonly string[] = [];

  constructor(store: Store, account: { readonly id: AccountId; readonly name: string }, options: ExportOptions) {
    this.#store = store;
    this.#account = account;
    this.#options = options;
  }

  report(): ExportReport {
    const sum = (of: 'written' | 'bytes') => this.#folders.reduce((total, folder) => total + folder[of], 0);
    return {
      folders: this.#folders,
      messages: sum('written'),
      bytes: sum('bytes'),
      ...this.#leftOut.report(),
      interrupted: this.#options.signal.aborted,
    };
  }

  async all(): Promise<void> {
    const { directory, format, folder, signal } = this.#options;
    const all = await this.#store.mailboxes.list(this.#account.id);
    const mailboxes = this.#wanted(all);
    this.#total = mailboxes.reduce((sum, mailbox) => sum + mailbox.total, 0);
    if (folder === undefined) this.#dangling = await this.#store.mailboxes.danglingSubscriptions(this.#account.id);

    const before = (await this.#earlier())?.folders ?? [];
    this.#known = new Map(before.map((known) => [known.name, known]));
    const named = mailboxes.map(({ path, id }) => ({ name: path, id }));
    const places = exportPlaces(format, named, new Map(before.map(({ name, path }) => [name, path])));
    const foreign = new Set<string>();
    for (const { path: name, role, subscribed } of mailboxes) {
      const path = places.get(name)!;
      const known = this.#known.get(name);
      const taken = known === undefined && format === 'mbox' && (await mboxSize(join(directory, path))) !== null;
      if (taken) foreign.add(name);
      else this.#known.set(name, { name, path, role, subscribed, written: known?.written ?? null });
    }
    // Before the first of its files, so that all of them are known for ours.
    await this.#save();
    if (format === 'maildir')
      for (const place of ['cur', 'new', 'tmp']) await nodeFiles.makeDirectory(join(directory, place));
    for (const mailbox of mailboxes) {
      if (signal.aborted) return;
      const where = join(directory, places.get(mailbox.path)!);
      if (foreign.has(mailbox.path)) this.#leftOut.add({ where, reason: FOREIGN_FILE });
      else await this.#folder(mailbox);
    }
    if (format === 'maildir') await this.#subscriptions(mailboxes);
  }

  #wanted(all: readonly Mailbox[]): Mailbox[] {
    const { folder } = this.#options;
    const name = folder?.toUpperCase() === 'INBOX' ? 'INBOX' : folder?.normalize('NFC');
    const wanted = all.filter(({ path, selectable }) => {
      return selectable && (name === undefined || path === name || path.startsWith(`${name}/`));
    });
    if (wanted.length === 0) throw new Refused('mailbox.missing', `${this.#account.name} has no folder “${folder}”.`);
    return wanted;
  }

  /** What an earlier run left. @throws Refused `export.foreign` when the directory holds other things */
  async #earlier(): Promise<ExportIndex | null> {
    const { directory, format, crlf } = this.#options;
    await nodeFiles.makeDirectory(directory);
    const index = parseIndex(await textOf(join(directory, INDEX)));
    if (index !== null) {
      const same = index.account === this.#account.name && index.format === format && index.crlf === crlf;
      if (same) return index;
      const was = `${index.account} as ${index.format}${index.crlf ? ' with CRLF' : ''}`;
      throw new Refused('export.foreign', `${directory} holds an export of ${was}. Name another directory.`);
    }
    // An export that was interrupted at its very beginning leaves its index half written.
    const others = (await readdir(directory)).filter((name) => name !== INDEX_PART);
    if (others.length === 0) return null;
    throw new Refused(
      'export.foreign',
      `${directory} holds other things (${others.slice(0, 3).join(', ')}). Name an empty directory, or a new one.`,
    );
  }

  async #save(): Promise<void> {
    const { directory, format, crlf } = this.#options;
    const index: ExportIndex = {
      ...{ rainmail: 'export', version: 1, account: this.#account.name, format, crlf },
      ...{ folders: [...this.#known.values()], subscriptions: [...this.#dangling] },
    };
    await writeWhole(join(directory, INDEX), join(directory, INDEX_PART), [formatIndex(index)]);
  }

  async #folder(mailbox: Mailbox): Promise<void> {
    const { directory, format, crlf, since, signal } = this.#options;
    const { path: name } = mailbox;
    const known = this.#known.get(name)!;
    const view = await this.#view(mailbox);
    if (view === null) return;
    const indexes: number[] = [];
    const pace = new Pace();
    for (let at = 0; at < view.length; at++) {
      if (since === undefined || view.received(at) >= since) indexes.push(at);
      await pace.pause();
    }
    const report: FolderExported = {
      ...{ folder: name, path: known.path, messages: indexes.length, written: 0, bytes: 0, before: 0, leftOut: 0 },
    };
    this.#folders.push(report);
    this.#say(name);
    const folder: ExportFolder = {
      ...{ store: this.#store, name, directory: join(directory, known.path), view, indexes, crlf, signal, report },
      done: () => {
        this.#done++;
        if (this.#done % PROGRESS_EVERY === 0) this.#say(name);
      },
      lost: ({ uid, refusal }) => {
        report.leftOut++;
        this.#leftOut.add({ where: `${name}, UID ${uid}`, reason: refusal.message });
      },
    };
    if (format === 'maildir') await writeMaildir(folder);
    else if (format === 'eml') await writeEml(folder);
    else await this.#mbox(folder, known);
  }

  async #view({ id: mailbox, path }: Mailbox): Promise<MailboxView | null> {
    try {
      return await this.#store.view({ account: this.#account.id, mailbox });
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'mailbox.missing') throw error;
      this.#leftOut.add({ where: path, reason: 'the folder was removed meanwhile' });
      return null;
    }
  }

  /** An mbox is written whole, unless nothing in its mailbox has changed since it was. */
  async #mbox(folder: ExportFolder, known: IndexedFolder): Promise<void> {
    const { name, view, directory: path, report } = folder;
    const since = this.#options.since ?? null;
    const size = await mboxSize(path);
    const { written } = known;
    if (size !== null && written !== null && written.bytes !== size) {
      report.leftOut = report.messages;
      this.#leftOut.add({ where: path, reason: CHANGED_FILE });
      return;
    }
    const same = written?.uidvalidity === view.uidvalidity && written.modseq === view.modseq && written.since === since;
    if (size !== null && same) {
      report.before = report.messages;
      this.#done += report.messages;
      return;
    }
    const note = async (now: IndexedFolder['written']) => {
      this.#known.set(name, { ...known, written: now });
      await this.#save();
    };
    // Dies after this: the file is taken for ours, whatever its size, and written again.
    if (written !== null) await note(null);
    const bytes = await writeMbox(folder);
    const complete = bytes !== null && report.leftOut === 0;
    if (complete) await note({ uidvalidity: view.uidvalidity, modseq: view.modseq, since, bytes });
  }

  /** As Dovecot keeps them: names of directories. */
  async #subscriptions(mailboxes: readonly Mailbox[]): Promise<void> {
    const { directory } = this.#options;
    const names = mailboxes.flatMap(({ path, subscribed }) => {
      const place = this.#known.get(path)?.path ?? '';
      return subscribed ? [place === '' ? 'INBOX' : place.slice(1)] : [];
    });
    for (const name of this.#dangling) names.push(maildirDirectory(name)?.slice(1) ?? name);
    const text = formatSubscriptions(names);
    await writeWhole(join(directory, 'subscriptions'), join(directory, 'tmp', 'subscriptions'), [text]);
  }

  #say(what: string): void {
    this.#options.onProgress({ what, done: this.#done, total: this.#total, unit: 'messages' });
  }
}

const INDEX_PART = `.${INDEX}.part`;
const FOREIGN_FILE = 'a file of this name is there that no export wrote; move it away, then run this again';
const CHANGED_FILE = 'another program changed the file since it was exported; move it away, then run this again';
