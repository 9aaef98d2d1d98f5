/**
 * The store (src/store/api.ts): one data directory, opened by one process.
 *
 *   mail.db (+ -wal, -shm)   metadata, SQLite
 *   segments/                bodies
 *   views/                   views of large mailboxes; only a cache
 *   lock.db                  who owns the directory
 *   reserve                  room for deleting on a full disk
 *
 * Here the parts meet: the engine's transactions, the segments' bodies, views and change events. The order on the way in is the
 * durability protocol: reserve the body's range and queue its write, commit the rows, sync both, then answer and broadcast.
 */
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import type { AlsoFiled, MailboxKey, Store } from './api.ts';
import type { Segments } from './bodies/segments.ts';
import type { ChangeEvents } from './change-events.ts';
import type { DataLock } from './data-lock.ts';
import { Devices } from './devices.ts';
import type { DiskSpace } from './disk-space.ts';
import { EmailBodies } from './email-bodies.ts';
import { PAGE_ROWS, type Writer } from './engine/engine.ts';
import type { SqliteEngine } from './engine/sqlite.ts';
import { Filing, type RoomOptions } from './filing.ts';
import { Housekeeper, type Housekept } from './housekeeping.ts';
import { type AccountId, type EmailId, type Milliseconds, type Modseq, nowSeconds, type Uid } from './ids.ts';
import { Leases } from './leases.ts';
import { Mailboxes } from './mailboxes.ts';
import { Messages } from './messages.ts';
import { given, openParts, type StoreOptions, type StoreParts } from './open-parts.ts';
import { accountUsage } from './operations/accounts.ts';
import { readBodyRecords, readEmails } from './operations/emails.ts';
import { append, deliver, prepareMessage } from './operations/file-message.ts';
import { setMeta } from './operations/meta.ts';
import { leaveQueue } from './operations/queue.ts';
import { type ReinstateArgs, type ReinstatedAs, reinstate } from './operations/reinstate.ts';
import { expungedSince } from './operations/tombstones.ts';
import { Origins } from './origins.ts';
import { Queue, type Report } from './queue.ts';
import type { Recovered } from './recovery.ts';
import { repoint } from './repair/bodies.ts';
import { type Repaired, type RepairOptions, repairStore } from './repair/repair.ts';
import { forgetRun } from './repair/torn-log.ts';
import { Retained } from './retained.ts';
import { Snapshots } from './snapshots.ts';
import { StsPolicies } from './sts-policies.ts';
import { DEFAULT_TRACE, Trace } from './trace.ts';
import type { TraceBy } from './trace-types.ts';
import type {
  Appended,
  BodyRecord,
  ChangeEvent,
  DeliveryTarget,
  EmailRecord,
  Filed,
  MessageStage,
  StagedMessage,
  UidsAssigned,
} from './types.ts';
import { type Verified, type VerifyOptions, verifyStore } from './verify/verify.ts';
import type { ViewCache } from './view/view-cache.ts';

export type { StoreOptions };

const HOUSEKEEPING_EVERY: Milliseconds = 5 * 60_000;
const DAY = 86_400;

export class MailStore implements Store {
  /** For the directory, which keeps its tables in the same database. */
  readonly engine: SqliteEngine;
  readonly recovered: Recovered;
  readonly mailboxes: Mailboxes;
  readonly messages: Messages;
  readonly bodies: EmailBodies;
  /** What was removed and can be brought back. */
  readonly retained: Retained;
  /** What each POP3 device has had. */
  readonly devices: Devices;
  /** What open sessions may still retrieve. */
  readonly leases: Leases;
  /** What is on its way to other servers. */
  readonly queue: Queue;
  /** What other domains have said of TLS on the way to them. */
  readonly stsPolicies: StsPolicies;
  /** What became of every message. */
  readonly trace: Trace;
  /** States of everything, for backups. */
  readonly snapshots: Snapshots;
  /** What transfers from other servers remember. */
  readonly origins: Origins;
  readonly #directory: string;
  readonly #lock: DataLock;
  readonly #segments: Segments;
  readonly #space: DiskSpace;
  readonly #views: ViewCache;
  readonly #events: ChangeEvents;
  readonly #filing: Filing;
  readonly #retention: number;
  readonly #housekeeper: Housekeeper;
  readonly #housekeeping: NodeJS.Timeout;
  #closing = false;

  /** Runs a change; when the disk is full, what is kept for deleting is freed. */
  readonly #write = async <T>(operation: (tx: Writer) => Promise<T>): Promise<T> => {
    try {
      return await this.engine.write(operation);
    } catch (error) {
      if (error instanceof Refused && error.code === 'store.full') await this.#space.useReserve();
      throw error;
    }
  };

  /** Opens a data directory, makes it if need be, and recovers it after an unclean end. @throws Refused `store.locked`, `store.newer`, `store.damaged` */
  static async open(options: StoreOptions): Promise<MailStore> {
    return new MailStore(options, await openParts(options));
  }

  private constructor(options: StoreOptions, parts: StoreParts) {
    this.engine = parts.engine;
    this.recovered = parts.recovered;
    this.bodies = new EmailBodies(parts.engine, parts.segments);
    this.#directory = options.directory;
    this.snapshots = new Snapshots(parts.engine, parts.segments, {
      database: join(options.directory, 'mail.db'),
      segments: join(options.directory, 'segments'),
    });
    this.#lock = parts.lock;
    this.#segments = parts.segments;
    this.#space = parts.space;
    this.#filing = new Filing(parts.segments, parts.space);
    this.#views = parts.views;
    this.#events = parts.events;
    this.origins = new Origins({
      read: (operation, account) => this.engine.read(operation, account),
      write: this.#write,
    });
    this.trace = new Trace(this.engine, this.#write, options.trace ?? DEFAULT_TRACE, (error) =>
      options.onTrouble?.('noting what became of mail', error),
    );
    const traceBy = (by: TraceBy | undefined) => this.trace.by(by);
    this.queue = new Queue(this.engine, this.#write, this.trace, (staged, file) =>
      this.#filing.file(
        staged,
        async () => {
          // After a power cut recovery takes rows away whose bytes are not there. What the report tells of would be gone, and nobody told.
          await this.#segments.sync();
          return { result: await this.#write(file), filed: true };
        },
        { whenLow: true },
      ),
    );
    this.stsPolicies = new StsPolicies(this.engine, this.#write);
    this.#retention = Math.ceil((options.retentionDays ?? 14) * DAY);
    const shared = { engine: parts.engine, write: this.#write, space: parts.space, trace: this.trace };
    this.messages = new Messages({ ...shared, retention: this.#retention });
    this.mailboxes = new Mailboxes({ ...shared, messages: this.messages });
    const devices = {
      silentAfter: Math.ceil((options.deviceSilentDays ?? 30) * DAY),
      retention: this.#retention,
    };
    this.devices = new Devices(this.engine, this.#write, devices, traceBy, (error) =>
      options.onTrouble?.('noting a POP3 device', error),
    );
    this.leases = new Leases((account) => {
      if (this.#closing) return; // the next start does it
      this.#housekeeper
        .purgeWaiting(account, nowSeconds())
        .catch((error: unknown) => options.onTrouble?.('housekeeping', error));
    });
    this.#housekeeper = new Housekeeper(
      this.engine,
      this.#segments,
      {
        retainedCapBytes: options.retainedCapBytes ?? 10e9,
        auditKept: (options.auditDays ?? 400) * DAY,
        unfiled: this.#filing.unfiled,
        devices: this.devices,
        trace: this.trace,
        leases: this.leases,
        hasRoom: async () => {
          await this.#space.look();
          return !this.#space.low;
        },
        onAccountGone: (account) => this.#views.forget(account),
      },
      () => this.#closing,
    );
    this.retained = new Retained(this.engine, this.#housekeeper, this.leases, this.#write, traceBy);
    this.#housekeeping = setInterval(() => {
      this.housekeep().catch((error: unknown) => options.onTrouble?.('housekeeping', error));
    }, options.housekeepingEvery ?? HOUSEKEEPING_EVERY).unref();
  }

  /** Why nothing is accepted any more, if so. */
  get failure(): Error | undefined {
    return this.engine.failure ?? this.#segments.failed;
  }

  /** The disk is nearly full: nothing new is taken in. */
  get diskLow(): boolean {
    return this.#space.low;
  }

  // ---- reading

  view(key: MailboxKey): ReturnType<Store['view']> {
    return this.#views.view(key);
  }

  emails(account: AccountId, emails: readonly EmailId[]): Promise<readonly EmailRecord[]> {
    if (emails.length > PAGE_ROWS) throw new Error(`${emails.length} emails asked for at once`);
    return this.engine.read((tx) => readEmails(tx, account, emails), account);
  }

  bodyRecords(account: AccountId, emails: readonly EmailId[]): Promise<readonly BodyRecord[]> {
    if (emails.length > PAGE_ROWS) throw new Error(`${emails.length} emails asked for at once`);
    return this.engine.read((tx) => readBodyRecords(tx, account, emails), account);
  }

  expungedSince(key: MailboxKey, modseq: Modseq): Promise<readonly Uid[] | null> {
    return this.engine.read((tx) => expungedSince(tx, key.account, key.mailbox, modseq), key.account);
  }

  async usage(account: AccountId): ReturnType<Store['usage']> {
    const usage = await this.engine.read((tx) => accountUsage(tx, account), account);
    if (usage === undefined) throw new Refused('mailbox.missing', 'This account no longer exists.');
    return usage;
  }

  // ---- changing

  stage(limit: number, options?: RoomOptions): MessageStage {
    return this.#filing.stage(limit, options);
  }

  staged(message: StagedMessage): AsyncGenerator<Buffer, void, void> {
    return this.#filing.staged(message);
  }

  discard(message: StagedMessage): void {
    this.#filing.discard(message);
  }

  async deliver(
    message: StagedMessage,
    targets: readonly DeliveryTarget[],
    { sent, outbound = [], report, arrives = [], arrival }: AlsoFiled = {},
  ): Promise<Filed> {
    return this.#filing.file([message], async () => {
      const prepared = prepareMessage(message);
      const trace = this.trace.delivering(arrival);
      const file = async (tx: Writer) => {
        const filed = await deliver(tx, prepared, { targets, sent, outbound, now: nowSeconds(), trace });
        if (isWhole(filed)) for (const place of arrives) await leaveQueue(tx, place);
        return filed;
      };
      const result = await (report === undefined ? this.#write(file) : this.#fileAndTell(file, report));
      const { outcomes, queued } = result;
      return { result, filed: queued.length > 0 || outcomes.some((outcome) => !(outcome instanceof Refused)) };
    });
  }

  async append({ account, mailbox }: MailboxKey, messages: readonly Appended[], by?: TraceBy): Promise<UidsAssigned> {
    const staged = messages.map((message) => message.staged);
    return this.#filing.file(staged, async () => {
      const prepared = messages.map((appended) => ({ message: prepareMessage(appended.staged), appended }));
      const now = nowSeconds();
      const args = {
        account,
        mailbox,
        messages: prepared,
        now,
        expires: now + this.#retention,
        trace: this.trace.adding(by),
      };
      const result = await this.#write((tx) => append(tx, args));
      return { result, filed: true };
    });
  }

  /** Puts messages of a backup in again (operations/reinstate.ts). Resolves when durable. */
  async reinstate(args: ReinstateArgs): Promise<(ReinstatedAs | null)[]> {
    const staged = args.messages.flatMap(({ content }) => content?.message.staged ?? []);
    return this.#filing.file(staged, async () => ({
      result: await this.#write((tx) => reinstate(tx, { ...args, by: this.trace.by(args.by) })),
      filed: true,
    }));
  }

  // ---- hearing of changes

  subscribe(account: AccountId, listener: (event: ChangeEvent) => void): () => void {
    return this.#events.subscribe(account, listener);
  }

  // ---- keeping house

  /** One round of purging, pruning and sweeping; it also runs by itself. */
  housekeep(): Promise<Housekept> {
    return this.#housekeeper.round(nowSeconds());
  }

  /** Checks that everything is there and as it was written (verify/verify.ts). */
  verify(onProgress?: VerifyOptions['onProgress']): Promise<Verified> {
    const databasePath = join(this.#directory, 'mail.db');
    return verifyStore(this.engine, this.#segments, { databasePath, ...given({ onProgress }) });
  }

  /** Sets right what can be (repair/repair.ts); it may run while mail goes on. */
  repair(options: Pick<RepairOptions, 'actor' | 'onProgress' | 'signal'>): Promise<Repaired> {
    return repairStore(this.engine, this.#segments, {
      ...options,
      databasePath: join(this.#directory, 'mail.db'),
      now: nowSeconds(),
      onRepaired: (account) => this.#views.forget(account),
    });
  }

  /** Gives an email its bytes again, taken in anew. @returns false when these are not the ones it had */
  async replaceBody(account: AccountId, email: EmailId, staged: StagedMessage): Promise<boolean> {
    return this.#filing.file([staged], async () => {
      const filed = await this.#write((tx) => repoint(tx, { account, email }, staged.body));
      return { result: filed, filed };
    });
  }

  /** Ends cleanly: finishes what was accepted, notes that nothing needs recovery, closes everything, gives the lock back. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#housekeeping);
    this.#space.close();
    try {
      await this.#housekeeper.end();
      await this.trace.flush();
      await this.snapshots.release();
      await this.#views.close();
      if (this.failure === undefined) await this.engine.write((tx) => setMeta(tx, 'state', 'closed'));
    } finally {
      await this.engine
        .close()
        .finally(() => this.snapshots.close())
        .finally(() => this.#segments.close())
        .finally(() => forgetRun(this.#directory)) // closing, SQLite has removed the log, whatever failed before
        .finally(() => this.#lock.release());
    }
  }

  // ---- within

  /** Files a message, and with it the report to its sender when nobody was refused. */
  #fileAndTell(file: (tx: Writer) => Promise<Filed>, { message, ...report }: Report): Promise<Filed> {
    return this.#filing.file([message], async () => {
      const prepared = prepareMessage(message);
      const trace = this.trace.delivering();
      let told = false;
      const result = await this.#write(async (tx) => {
        const filed = await file(tx);
        told = isWhole(filed);
        if (told) await deliver(tx, prepared, { ...report, now: nowSeconds(), trace });
        return filed;
      });
      return { result, filed: told };
    });
  }
}

/** Nobody was refused. */
function isWhole({ outcomes }: Filed): boolean {
  return !outcomes.some((outcome) => outcome instanceof Refused);
}
