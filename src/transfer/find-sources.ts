/**
 * Finds mail in files by looking: Maildirs with their folders (Maildir++ and directories below directories), mbox files, directories of .eml
 * files, and trees of these, as Dovecot, Courier, UW, Thunderbird (.sbd) and our own export leave them. Symbolic links are followed, each
 * directory is read once.
 */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { Refused } from '../errors.ts';
import { decodeModifiedUtf7 } from '../imap/syntax/mailbox-name.ts';
import { readEml } from './eml-reader.ts';
import { isInbox } from './inbox.ts';
import { parseSubscribed } from './maildir-courier.ts';
import { folderOfDirectory, parseSubscriptions } from './maildir-dovecot.ts';
import { listMaildir, readMaildir } from './maildir-reader.ts';
import { isMbox, readMbox } from './mbox-file.ts';
import { type ExportIndex, INDEX, MESSAGES, parseIndex } from './rainmail-index.ts';
import { textOf } from './read-files.ts';
import { fileReason, isFileError, type LeftOut, type SourceFolder, type Sources } from './source.ts';

/** @throws Refused `import.unreadable` when there is no mail at the path or it can't be read */
export async function findSources(path: string): Promise<Sources> {
  const finder = new Finder(path);
  try {
    await finder.run();
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new Refused('import.unreadable', `${path}: ${fileReason(error)}.`, { cause: error });
  }
  if (finder.folders.length === 0) {
    const [first] = finder.leftOut;
    const why = first === undefined ? 'no Maildir, no mbox and no .eml files' : `${first.where}: ${first.reason}`;
    throw new Refused('import.unreadable', `${path} holds no mail: ${why}.`);
  }
  return { folders: finder.folders, subscriptions: finder.subscriptions, leftOut: finder.leftOut };
}

function hasMaildir(names: readonly string[]): boolean {
  return names.includes('cur') && names.includes('new');
}

/** Directories of a Maildir that hold no folders. */
const OF_MAILDIR = new Set(['cur', 'new', 'tmp', 'courierimapkeywords', 'courierimaphieracl']);

class Finder {
  readonly folders: SourceFolder[] = [];
  readonly leftOut: LeftOut[] = [];
  subscriptions: readonly string[] = [];
  readonly #path: string;
  #root = '';
  #index: ExportIndex | null = null;
  /** Names the source says are subscribed; null: it doesn't say. */
  #subscribed: ReadonlySet<string> | null = null;
  readonly #visited = new Set<string>();

  constructor(path: string) {
    this.#path = path;
  }

  async run(): Promise<void> {
    this.#root = await realpath(this.#path);
    const status = await stat(this.#root);
    if (status.isFile()) {
      if (/\.eml$/i.test(this.#root) || !(await isMbox(this.#root))) this.#addSingle(this.#root);
      else this.#addMbox(this.#root, '', status.size);
      return;
    }
    this.#index = parseIndex(await textOf(join(this.#root, INDEX)));
    this.#subscribed = await this.#readSubscriptions();
    await this.#directory(this.#root, '', false);
    // INBOX first, and each folder after the one above it.
    const order = ({ name }: SourceFolder) => (isInbox(name) ? '' : name);
    this.folders.sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
    // A name that is subscribed and has no folder is kept as such.
    const names = new Set(this.folders.map((folder) => folder.name || 'INBOX'));
    this.subscriptions = [...(this.#subscribed ?? [])].filter((name) => !names.has(name));
  }

  async #readSubscriptions(): Promise<ReadonlySet<string> | null> {
    if (this.#index !== null) return new Set(this.#index.subscriptions);
    const dovecot = await textOf(join(this.#root, 'subscriptions'));
    const courier = await textOf(join(this.#root, 'courierimapsubscribed'));
    const names = [...parseSubscriptions(dovecot), ...parseSubscribed(courier)];
    return names.length === 0 ? null : new Set(names);
  }

  /** In an export of ours the index says what it is: folders called `cur` and `new` do not make it a Maildir. */
  #mayBeMaildir(): boolean {
    return this.#index === null || this.#index.format === 'maildir';
  }

  /** @param below  below a Maildir: names of directories are those of folders, in modified UTF-7 */
  async #directory(path: string, name: string, below: boolean): Promise<void> {
    const status = await stat(path);
    const identity = `${status.dev}:${status.ino}`;
    if (this.#visited.has(identity)) return;
    this.#visited.add(identity);
    const entries = await this.#entries(path);
    const names = entries.map((entry) => entry.name);
    const maildir = this.#mayBeMaildir() && hasMaildir(names);
    if (maildir) await this.#addMaildir(path, name);
    const messages: string[] = [];
    for (const entry of entries) {
      const file = join(path, entry.name);
      await this.#tried(file, async () => {
        const kind = await kindOf(entry, file);
        if (kind === 'directory') await this.#below(file, entry.name, name, maildir, below || maildir);
        else if (kind === 'file' && !maildir) await this.#file(file, entry.name, name, names, messages);
      });
    }
    if (messages.length > 0 || (names.includes(MESSAGES) && !maildir)) this.#addEml(path, name, messages);
  }

  async #below(path: string, entry: string, name: string, maildir: boolean, below: boolean): Promise<void> {
    if (maildir && OF_MAILDIR.has(entry)) return;
    if (entry.startsWith('.')) {
      if (maildir && hasMaildir(await readdir(path))) {
        await this.#directory(path, nested(name, folderOfDirectory(entry)), true);
      }
      return;
    }
    // Thunderbird keeps the folders below `Work` in `Work.sbd`.
    const part = below ? (decodeModifiedUtf7(entry) ?? entry) : entry.replace(/\.sbd$/, '');
    await this.#directory(path, nested(name, part), below);
  }

  async #file(path: string, file: string, folder: string, names: readonly string[], messages: string[]): Promise<void> {
    if (file.startsWith('.') || file === INDEX || file === MESSAGES || file.endsWith('.msf')) return;
    if (/\.eml$/i.test(file)) messages.push(file);
    else if (await isMbox(path)) {
      const { size } = await stat(path);
      const named = /\.mbox$/i.test(file);
      // An empty file is a folder without messages only where something says that it is a folder.
      if (size > 0 || named || names.includes(`${file}.msf`)) {
        this.#addMbox(path, nested(folder, named ? file.slice(0, -'.mbox'.length) : file), size);
      }
    }
  }

  async #addMaildir(path: string, name: string): Promise<void> {
    const messages = (await listMaildir(path)).length;
    const told = this.#told(path, name);
    const inbox = isInbox(told.name);
    this.folders.push({ kind: 'maildir', path, ...told, messages, bytes: 0, read: (r) => readMaildir(path, inbox, r) });
  }

  #addMbox(path: string, name: string, bytes: number): void {
    const told = this.#told(path, name);
    const inbox = isInbox(told.name);
    this.folders.push({ kind: 'mbox', path, ...told, messages: null, bytes, read: (r) => readMbox(path, inbox, r) });
  }

  #addEml(path: string, name: string, files: readonly string[]): void {
    const told = this.#told(path, name);
    this.folders.push({
      kind: 'eml',
      path,
      ...told,
      messages: files.length,
      bytes: 0,
      read: () => readEml(path, files),
    });
  }

  /** One message: its directory is what it is known by, as when the whole of it is brought. */
  #addSingle(path: string): void {
    const directory = join(path, '..');
    const none = { name: '', role: null, subscribed: null, indexed: false };
    const read = () => readEml(directory, [basename(path)]);
    this.folders.push({ kind: 'eml', path: directory, ...none, messages: 1, bytes: 0, read });
  }

  #told(path: string, name: string): Pick<SourceFolder, 'name' | 'role' | 'subscribed' | 'indexed'> {
    const place = relative(this.#root, path);
    const indexed = this.#index?.folders.find((folder) => folder.path === place);
    if (indexed !== undefined) {
      return { name: indexed.name, role: indexed.role, subscribed: indexed.subscribed, indexed: true };
    }
    return { name, role: null, subscribed: this.#subscribed?.has(name || 'INBOX') ?? null, indexed: false };
  }

  /** In order of name; empty when it can't be read. */
  async #entries(path: string): Promise<Dirent[]> {
    let entries: Dirent[] = [];
    if (path === this.#root) entries = await readdir(path, { withFileTypes: true });
    else {
      await this.#tried(path, async () => {
        entries = await readdir(path, { withFileTypes: true });
      });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What can't be looked at is left out, and said. */
  async #tried(where: string, look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      if (!isFileError(error)) throw error;
      this.leftOut.push({ where, reason: fileReason(error) });
    }
  }
}

/** Symbolic links are followed. Sockets, pipes and the like hold no mail, and must not be opened. */
async function kindOf(entry: Dirent, path: string): Promise<'directory' | 'file' | 'other'> {
  const status = entry.isSymbolicLink() ? await stat(path) : entry;
  return status.isDirectory() ? 'directory' : status.isFile() ? 'file' : 'other';
}

function nested(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
