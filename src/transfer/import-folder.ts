/** A folder of files on its way into one mailbox. */
import { createHash, hash } from 'node:crypto';
import { Refused } from '../errors.ts';
import { Pace } from '../pace.ts';
import type { MailboxKey } from '../store/api.ts';
import { flagNames, flagsFrom } from '../store/flags.ts';
import type { MailboxId, Uid } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Appended, Brought, StagedMessage } from '../store/types.ts';
import { flagsOf } from './keywords.ts';
import { type Found, type FoundMessage, type LeftOut, leftOutReason } from './source.ts';

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

export class FolderImport {
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
        await this.#store.messages.storeFlags({ ...this.#key, mailbox }, uids, { how, flags: flagsFrom(names) });
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
