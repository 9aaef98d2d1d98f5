/**
 * Restores mail of one account from a backup while the server runs.
 *
 * Merged with what is there, nothing of that is changed: what is there stays as it is, wherever it was moved and whatever flags it has now;
 * what was removed and is still retained is brought back from there; only what is gone is read from the backup, and has the ids it had, so
 * that clients know it. Beside what is there, everything is put into a folder of its own, as copies.
 *
 * Each batch is durable and complete in itself: what was interrupted goes on when it is asked for again, and nothing comes twice.
 */
import { Refused } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import { sql } from '../../store/engine/sql.ts';
import { DELETED } from '../../store/flags.ts';
import type { AccountId, EmailId, ItemId } from '../../store/ids.ts';
import { prepareMessage } from '../../store/operations/file-message.ts';
import { listMailboxes } from '../../store/operations/mailboxes.ts';
import type { MessageRow } from '../../store/operations/message-row.ts';
import { getMeta } from '../../store/operations/meta.ts';
import { mailboxAt, type Place, pathNow, placeOf } from '../../store/operations/place.ts';
import { type Reinstated, type Standing, standingOf } from '../../store/operations/reinstate.ts';
import type { MailStore } from '../../store/store.ts';
import type { TraceBy } from '../../store/trace-types.ts';
import type { EmailRecord, Mailbox } from '../../store/types.ts';
import type { BackedUpAccount, BackedUpStore } from './backed-up-store.ts';
import { canonicalPath, type FoundPage, isEverything, recordsOf, type Selection, selected } from './selection.ts';

export interface MailRestoreOptions extends Selection {
  /** Put copies into this folder, beside what is there. */
  readonly beside?: string | undefined;
  /** Although it fills the mailbox beyond its quota. */
  readonly overQuota?: boolean | undefined;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface MailRestored {
  /** Read from the backup and put in again. */
  readonly restored: number;
  /** Brought back from what was removed and still retained. */
  readonly undeleted: number;
  /** Left as they are. */
  readonly there: number;
  readonly bytes: number;
  /** Where messages were put. */
  readonly folders: readonly { readonly path: string; readonly messages: number }[];
  /** Messages that can't be read from the backup, the first {@link MOST_REPORTED}. */
  readonly damaged: readonly { readonly folder: string; readonly subject: string; readonly reason: string }[];
  readonly damagedCount: number;
}

const MOST_REPORTED = 100;
/** What is taken in before it is filed. */
const BATCH_MESSAGES = 200;
const BATCH_BYTES = 8 << 20;
/** Whatever was taken in once is taken in again. */
const LARGEST = 2 ** 40;

/** What the restore knows of the account. */
export interface RestoreTarget {
  readonly store: MailStore;
  readonly account: AccountId;
  readonly backup: BackedUpStore;
  readonly source: BackedUpAccount;
  /** Who does it, for the trace. */
  readonly by?: TraceBy;
}

/**
 * Restores messages into an account that is there.
 * @throws Refused `restore.other-account`, `quota.exceeded`, `mailbox.exists`, `backup.damaged`; what was restored till then stays
 */
export async function restoreMail(target: RestoreTarget, options: MailRestoreOptions): Promise<MailRestored> {
  const isSame = await isSameAccount(target);
  if (!isSame) await assertStrangersFit(target, options.beside);
  const restore = new MailRestore(target, options, isSame);
  await restore.run();
  return restore.result();
}

/**
 * What the backup has of an account: the same one, under whatever name it had then, else one of the same name.
 * @throws Refused `backup.missing`
 */
export async function sourceFor(
  store: MailStore,
  backup: BackedUpStore,
  { id, name }: { readonly id: AccountId; readonly name: string },
): Promise<BackedUpAccount> {
  const source = await backup.accountNumbered(id);
  const isSame = source !== undefined && (await isSameAccount({ store, account: id, backup, source }));
  return isSame ? source : backup.account(name);
}

const CREATED = sql<readonly [created: number]>('SELECT created FROM account WHERE account_id = ?');

/**
 * The account of the backup and the one that is there are one and the same, so that an id of one means the same message in the other: the number
 * of an account is given once in an office, and the office is known by its secret, which it keeps through every restore.
 */
async function isSameAccount({ store, account, backup, source }: RestoreTarget): Promise<boolean> {
  const there = await store.engine.read(async (tx) => ({
    created: (await tx.get(CREATED, account))?.[0],
    secret: await getMeta(tx, 'auth.secret'),
  }));
  return account === source.id && there.created === source.created && there.secret === (await backup.secret());
}

async function assertStrangersFit({ store, account }: RestoreTarget, beside: string | undefined): Promise<void> {
  if (beside === undefined) {
    throw new Refused(
      'restore.other-account',
      'The account of this name is not the one in the backup: it was removed and made anew since, so nothing can be said of what is there still. Restore beside what is there: --beside.',
    );
  }
  const taken = (await store.mailboxes.list(account)).some(
    ({ path }) => path === beside || path.startsWith(`${beside}/`),
  );
  if (taken)
    throw new Refused('mailbox.exists', `There is a folder “${beside}” already. Name another one: --beside FOLDER.`);
}

class MailRestore {
  readonly #target: RestoreTarget;
  readonly #options: MailRestoreOptions;
  readonly #isSame: boolean;
  readonly #folders = new Map<string, number>();
  readonly #damaged: MailRestored['damaged'][number][] = [];
  /** Of the backup. */
  #mailboxes: readonly Mailbox[] | undefined;
  #sum = { restored: 0, undeleted: 0, there: 0, bytes: 0, damagedCount: 0 };

  constructor(target: RestoreTarget, options: MailRestoreOptions, isSame: boolean) {
    this.#target = target;
    this.#options = options;
    this.#isSame = isSame;
  }

  async run(): Promise<void> {
    const { backup, source } = this.#target;
    const { signal, onProgress } = this.#options;
    const total = isEverything(this.#options) ? source.messages : undefined;
    let done = 0;
    for await (const page of selected(backup, source, this.#options)) {
      if (signal.aborted) return;
      await this.#take(page);
      done += page.rows.length;
      onProgress({ what: page.mailbox.path, done, unit: 'messages', ...(total === undefined ? {} : { total }) });
    }
  }

  result(): MailRestored {
    const folders = [...this.#folders].map(([path, messages]) => ({ path, messages }));
    return { ...this.#sum, folders, damaged: this.#damaged };
  }

  /** Does with each message of a page what its standing asks for. */
  async #take({ mailbox, rows }: FoundPage): Promise<void> {
    const { store, account } = this.#target;
    const place = await this.#placeFor(mailbox);
    const mailboxes = await store.mailboxes.list(account);
    const path = pathNow(mailboxes, place);
    const there = mailboxes.find((each) => each.path === path)?.id ?? null;
    const standings = await store.engine.read(async (tx) => {
      const found: Standing[] = [];
      for (const row of rows) found.push(await standingOf(tx, account, there, this.#idsOf(row)));
      return found;
    }, account);
    const retained: MessageRow[] = [];
    const gone: MessageRow[] = [];
    const content: MessageRow[] = [];
    for (const [index, row] of rows.entries()) {
      const standing = standings[index]!;
      // The content of a message that is there, or was, may be damaged: then the backup's takes its place, under the ids it has.
      if (standing !== 'gone' && (await this.#heal(mailbox, row)) && standing === 'there') this.#sum.restored++;
      else if (standing === 'there') this.#sum.there++;
      else if (standing === 'retained') retained.push(row);
      else if (standing === 'content') content.push(row);
      else gone.push(row);
    }
    await this.#undelete(retained);
    await this.#put(
      place,
      content.map((row) => [row, null] as const),
    );
    await this.#putFromBackup(place, mailbox, gone);
  }

  /** @returns true when the account's copy of the content could not be read, and has been replaced */
  async #heal(mailbox: Mailbox, row: MessageRow): Promise<boolean> {
    const { store, account, backup, source } = this.#target;
    if (!this.#isSame || (await store.bodies.isReadable(account, row[2] as EmailId))) return false;
    const [record] = await recordsOf(backup, source, [row]);
    const content = await this.#stage(record, mailbox);
    return content != null && (await store.replaceBody(account, row[2] as EmailId, content.message.staged));
  }

  /** What is removed comes back where it was removed from. */
  async #undelete(rows: readonly MessageRow[]): Promise<void> {
    if (rows.length === 0) return;
    const { store, account, by } = this.#target;
    const { overQuota = false } = this.#options;
    const items = rows.map((row) => row[1] as ItemId).sort((a, b) => a - b);
    const restored = await store.retained.restore(
      account,
      { items, bytes: sizeOf(rows) },
      { overQuota },
      { ...(by && { by }) },
    );
    this.#sum.undeleted += restored.messages;
    this.#sum.bytes += restored.bytes;
    for (const { path, messages } of restored.folders) this.#count(path, messages);
  }

  async #putFromBackup(place: Place, mailbox: Mailbox, rows: readonly MessageRow[]): Promise<void> {
    const { backup, source } = this.#target;
    if (rows.length === 0) return;
    const records = await recordsOf(backup, source, rows);
    const byEmail = new Map(records.map((record) => [record.email as number, record]));
    let batch: (readonly [MessageRow, Reinstated['content']])[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      const filing = batch;
      batch = [];
      bytes = 0;
      await this.#put(place, filing);
    };
    try {
      for (const row of rows) {
        if (this.#options.signal.aborted) break;
        const record = byEmail.get(row[2]);
        const content = await this.#stage(record, mailbox);
        if (content === undefined) continue;
        batch.push([row, content]);
        bytes += row[5];
        if (batch.length === BATCH_MESSAGES || bytes >= BATCH_BYTES) await flush();
      }
      await flush();
    } finally {
      for (const [, content] of batch) if (content !== null) this.#target.store.discard(content.message.staged);
    }
  }

  /** Takes a message's body in from the backup. @returns undefined when it was damaged there already: that is reported */
  async #stage(record: EmailRecord | undefined, { path }: Mailbox): Promise<Reinstated['content'] | undefined> {
    const { store, backup } = this.#target;
    const stage = store.stage(LARGEST);
    try {
      if (record === undefined) throw new Refused('message.damaged', 'The backup has lost its content.');
      for await (const chunk of backup.body(record.body)) await stage.write(chunk);
      return { message: prepareMessage(await stage.finish()), prefix: record.prefix };
    } catch (error) {
      stage.abandon();
      if (!(error instanceof Refused) || error.code !== 'message.damaged') throw error;
      this.#sum.damagedCount++;
      if (this.#damaged.length < MOST_REPORTED) {
        this.#damaged.push({ folder: path, subject: record?.analysis.subject ?? '', reason: error.message });
      }
      return undefined;
    }
  }

  /** Files messages; the folder is made when it is missing. */
  async #put(place: Place, messages: readonly (readonly [MessageRow, Reinstated['content']])[]): Promise<void> {
    if (messages.length === 0) return;
    const { store, account, by } = this.#target;
    const mailbox = await store.engine.write((tx) => mailboxAt(tx, account, place));
    const outcomes = await store.reinstate({
      account,
      mailbox: mailbox.id,
      messages: messages.map(([row, content]) => this.#reinstated(row, content)),
      overQuota: this.#options.overQuota,
      by,
    });
    let put = 0;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === null) this.#sum.there++;
      else {
        put++;
        this.#sum.bytes += messages[index]![0][5];
      }
    }
    this.#sum.restored += put;
    this.#count(mailbox.path, put);
  }

  #reinstated(row: MessageRow, content: Reinstated['content']): Reinstated {
    const [, , , flags, keywords, size, received, , saved, uidl] = row;
    const isCopy = this.#options.beside !== undefined;
    return {
      ...this.#idsOf(row),
      content,
      // The next EXPUNGE of any client would take it away again.
      flags: flags & ~DELETED,
      keywords,
      size,
      received,
      saved,
      // Two messages of a POP3 mailbox never have the same.
      uidl: isCopy ? null : uidl,
    };
  }

  /** The ids by which a message is known in the account; those of a copy beside, or of another account, are new. */
  #idsOf(row: MessageRow): { item: ItemId | null; email: EmailId | null } {
    const isCopy = this.#options.beside !== undefined;
    return {
      item: this.#isSame && !isCopy ? (row[1] as ItemId) : null,
      email: this.#isSame ? (row[2] as EmailId) : null,
    };
  }

  async #placeFor(mailbox: Mailbox): Promise<Place> {
    const { backup, source } = this.#target;
    const { beside, folder } = this.#options;
    this.#mailboxes ??= await listMailboxes(backup.tx, source.id);
    if (beside === undefined) return placeOf(this.#mailboxes, mailbox.id)!;
    const below = folder === undefined ? `/${mailbox.path}` : mailbox.path.slice(canonicalPath(folder).length);
    return { path: `${beside}${below}`, ids: '', role: null };
  }

  #count(path: string, messages: number): void {
    if (messages > 0) this.#folders.set(path, (this.#folders.get(path) ?? 0) + messages);
  }
}

function sizeOf(rows: readonly MessageRow[]): number {
  return rows.reduce((sum, row) => sum + row[5], 0);
}
