/**
 * Brings mail from files into an account (src/transfer/sources.ts finds it). Messages stream into the store and are filed in batches, each
 * durable before the next; when it is stopped, what was counted as imported is there.
 */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import type { Store } from '../../store/api.ts';
import { flagsFrom } from '../../store/flags.ts';
import type { AccountId } from '../../store/ids.ts';
import type { Appended, Mailbox } from '../../store/types.ts';
import { CrlfLines } from '../../transfer/crlf.ts';
import { type FoundMessage, findMessages } from '../../transfer/sources.ts';
import { action } from './action.ts';

export interface MailImported {
  readonly messages: number;
  readonly bytes: number;
  readonly folders: readonly string[];
  /** Messages that were left out, and why; the first {@link MOST_REPORTED}. */
  readonly skipped: readonly { readonly where: string; readonly reason: string }[];
  readonly skippedCount: number;
}

const BATCH_MESSAGES = 200;
const BATCH_BYTES = 8 << 20;
const HEADER_BYTES = 64 << 10;
/** Mail that another server took in is not refused for its size, within reason. */
const LARGEST = 1 << 30;
const MOST_REPORTED = 100;

export const importMail = action({
  name: 'import',
  input: z.strictObject({
    account: z.string(),
    /** Absolute: the server has a working directory of its own. */
    path: z.string().startsWith('/'),
    /** Where the messages at the top of the source go. Absent: INBOX. */
    folder: z.string().optional(),
  }),

  async run(office, { account: name, path, folder }, { progress, signal }): Promise<MailImported> {
    const account = await office.directory.account(name);
    const target = new ImportTarget(office.store, account.id, folder);
    let messages = 0;
    let bytes = 0;
    let skippedCount = 0;
    const skipped: { where: string; reason: string }[] = [];

    for await (const found of findMessages(path)) {
      if (signal.aborted) break;
      try {
        bytes += await target.take(found);
        messages++;
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'message.too-large') throw error;
        skippedCount++;
        if (skipped.length < MOST_REPORTED) skipped.push({ where: found.where, reason: error.message });
      }
      if (messages % 100 === 0) progress({ what: found.where, done: messages, unit: 'messages' });
    }
    await target.flush();
    return { messages, bytes, folders: target.folders, skipped, skippedCount };
  },
});

/** The account's mailboxes as the import fills them: one batch at a time. */
class ImportTarget {
  readonly #store: Store;
  readonly #account: AccountId;
  readonly #top: string | undefined;
  readonly #mailboxes = new Map<string, Mailbox>();
  #folder: string | undefined;
  #batch: Appended[] = [];
  #batchBytes = 0;

  constructor(store: Store, account: AccountId, top: string | undefined) {
    this.#store = store;
    this.#account = account;
    this.#top = top;
  }

  /** Paths of the mailboxes that received mail. */
  get folders(): string[] {
    return [...this.#mailboxes.values()].map((mailbox) => mailbox.path);
  }

  /** Takes a message in. @returns its size in bytes */
  async take(found: FoundMessage): Promise<number> {
    const folder = this.#pathOf(found.folder);
    if (folder !== this.#folder) {
      await this.flush();
      this.#folder = folder;
    }
    const stage = this.#store.stage(LARGEST);
    const lines = new CrlfLines();
    let header = '';
    try {
      for await (const chunk of found.content) {
        if (header.length < HEADER_BYTES) header += chunk.toString('latin1', 0, HEADER_BYTES - header.length);
        const text = lines.push(chunk);
        if (text.length > 0) await stage.write(text);
      }
      const last = lines.end();
      if (last.length > 0) await stage.write(last);
    } catch (error) {
      stage.abandon();
      throw error;
    }
    const staged = await stage.finish();
    const headerEnd = header.search(/\r?\n\r?\n/);
    const flags = flagsFrom(found.flags(headerEnd === -1 ? header : header.slice(0, headerEnd)));
    const received = found.received ?? staged.analysis.sent;
    this.#batch.push(received === null ? { staged, flags } : { staged, flags, received });
    this.#batchBytes += staged.analysis.size;
    if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) await this.flush();
    return staged.analysis.size;
  }

  /** Files what was taken; durable when it resolves. */
  async flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    const mailbox = await this.#mailbox(this.#folder!);
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#store.append({ account: this.#account, mailbox: mailbox.id }, batch);
  }

  #pathOf(folder: string): string {
    if (this.#top === undefined) return folder === '' ? 'INBOX' : folder;
    return folder === '' ? this.#top : `${this.#top}/${folder}`;
  }

  async #mailbox(path: string): Promise<Mailbox> {
    let mailbox = this.#mailboxes.get(path);
    if (mailbox === undefined) {
      const wanted = path.toUpperCase() === 'INBOX' ? 'INBOX' : path;
      mailbox = (await this.#store.mailboxes(this.#account)).find((candidate) => candidate.path === wanted);
      mailbox ??= await this.#store.createMailbox(this.#account, wanted);
      if (!mailbox.subscribed) await this.#store.setSubscribed(this.#account, wanted, true);
      this.#mailboxes.set(path, mailbox);
    }
    return mailbox;
  }
}
