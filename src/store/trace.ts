/**
 * What became of every message: `store.trace`. What changes mail is noted by the operation that changes it (operations/trace.ts); here is what is no
 * change (refusals, and who has retrieved what), and finding it all again.
 *
 * Invariants
 * - Who tells of something that is no change never waits, and nobody hears of trouble with it: it is noted some seconds later, or left out and
 *   counted. What waits is bounded, and so is what one peer can have noted.
 * - A device's retrieving of a message is noted once, as far as is remembered.
 */
import { setImmediate } from 'node:timers/promises';
import { Lru } from '../lru.ts';
import { type Engine, PAGE_ROWS, type Writer } from './engine/engine.ts';
import type { AccountId, EmailId, EpochSeconds, Milliseconds, TraceId } from './ids.ts';
import { numbersIn, parseRuns } from './number-runs.ts';
import type { DeliverTrace } from './operations/file-message.ts';
import {
  firstTraceId,
  nextTraceId,
  recordEarlierChange,
  recordMessage,
  type TraceClock,
  type Tracing,
} from './operations/trace.ts';
import { addKeys, changedAfter, lastFound, pruneChanges, pruneMessages, tracePage } from './operations/trace-find.ts';
import { changesAfter, retrievedBy, traceEvents } from './operations/trace-story.ts';
import { keyFor, matcher } from './trace-keys.ts';
import {
  type Arrival,
  BY_SERVER,
  type TraceBy,
  type TraceChange,
  type Traced,
  type TraceEvent,
  type TraceFilter,
  type TraceRow,
} from './trace-types.ts';

export interface TraceSettings {
  /** How long it is kept. */
  readonly kept: EpochSeconds;
  /** Subjects are kept, too. */
  readonly subjects: boolean;
  /** Nothing is noted: for measuring what that costs. */
  readonly off?: boolean | undefined;
}

export const DEFAULT_TRACE: TraceSettings = { kept: 30 * 86_400, subjects: false };

/** A message that nobody got. */
export interface RefusedMessage {
  readonly message: Traced;
  readonly messageId: string | null;
}

/** What a device retrieved and is not noted yet. */
interface Retrieved {
  readonly account: AccountId;
  readonly by: TraceBy;
  readonly emails: Set<number>;
  readonly at: Milliseconds;
}

const FROM_SERVER: Arrival = { how: 'server', sender: '', recipients: [] };

const NOTED_WITHIN: Milliseconds = 2_000;
/** What waits to be noted; beyond it is left out. */
const MOST_REFUSED = 2_000;
const MOST_RETRIEVED = 200_000;
const REFUSED_A_STEP = 100;
/** What is remembered of retrieved messages, over all devices. */
const REMEMBERED = 200_000;
/** Refusals that are noted in an hour, of one peer and of all: who tries names at random, from wherever, shall not fill the disk. */
const REFUSED_A_PEER = 200;
const REFUSED_IN_ALL = 20_000;
const AN_HOUR: Milliseconds = 3_600_000;
const PEERS_KNOWN = 10_000;
const MESSAGES_A_STEP = 1_000;
const PRUNED_A_STEP = 250;

export class Trace {
  /** Since the start: what came too fast to be noted. */
  leftOut = 0;
  readonly #engine: Engine;
  readonly #write: Engine['write'];
  readonly #settings: TraceSettings;
  readonly #clock: TraceClock = { last: undefined };
  readonly #onTrouble: (error: unknown) => void;
  #refused: RefusedMessage[] = [];
  #retrieved = new Map<string, Retrieved>();
  #retrievedCount = 0;
  readonly #known = new Lru<string, ReadonlySet<number>>(REMEMBERED, (emails) => emails.size + 1);
  readonly #peers = new Lru<string, { readonly until: Milliseconds; count: number }>(PEERS_KNOWN);
  #hour = { until: 0, count: 0 };
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(engine: Engine, write: Engine['write'], settings: TraceSettings, onTrouble: (error: unknown) => void) {
    this.#engine = engine;
    this.#write = write;
    this.#settings = settings;
    this.#onTrouble = onTrouble;
  }

  /** For operations: who does it; undefined: they note nothing. */
  by(by: TraceBy | undefined): TraceBy | undefined {
    return this.#settings.off === true ? undefined : (by ?? BY_SERVER);
  }

  /** For the delivery of a message. */
  delivering(arrival: Arrival = FROM_SERVER): DeliverTrace | undefined {
    const { off, subjects } = this.#settings;
    return off === true ? undefined : { arrival, subjects, clock: this.#clock };
  }

  /** For adding messages to a mailbox. */
  adding(by: TraceBy = BY_SERVER): (Tracing & { readonly by: TraceBy }) | undefined {
    const { off, subjects } = this.#settings;
    return off === true ? undefined : { by, subjects, clock: this.#clock };
  }

  /** A message came that nobody gets, or some of its recipients were refused and then none came. */
  refused(message: Arrival & Pick<Traced, 'refused' | 'sizeBytes' | 'authors'>, messageId: string | null = null): void {
    if (this.#settings.off === true) return;
    if (this.#refused.length >= MOST_REFUSED || !this.#mayNote(message.address ?? '')) {
      this.leftOut++;
      return;
    }
    this.#refused.push({ message: { ...message, at: Date.now() }, messageId });
    this.#soon();
  }

  /** Bodies of messages were sent to a mail program. Cheap, and safe to call as often as that happens. */
  retrieved(account: AccountId, by: TraceBy, emails: readonly EmailId[]): void {
    if (this.#settings.off === true || emails.length === 0) return;
    const key = `${account} ${by.via} ${by.device}`;
    const known = this.#known.get(key);
    let waiting = this.#retrieved.get(key);
    for (const email of emails) {
      if (known?.has(email) || waiting?.emails.has(email)) continue;
      if (this.#retrievedCount >= MOST_RETRIEVED) {
        this.leftOut++;
        continue;
      }
      if (waiting === undefined) {
        // It was sent before: what is done with it in this very moment comes after.
        waiting = { account, by, emails: new Set(), at: Date.now() - 1 };
        this.#retrieved.set(key, waiting);
      }
      waiting.emails.add(email);
      this.#retrievedCount++;
    }
    if (waiting !== undefined) this.#soon();
  }

  /** Notes what waits. Resolves when that is done, or has failed. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#flush()).catch((error: unknown) => this.#onTrouble(error));
    return this.#flushing;
  }

  /** Messages that fit, the newest first, a page at a time. Each page is a snapshot of its own; some may be empty. */
  async *find(filter: TraceFilter): AsyncGenerator<readonly TraceRow[], void, void> {
    const { since = 0, until } = filter;
    const fits = matcher(filter);
    const key = keyFor(filter);
    const first = firstTraceId(since * 1_000);
    const end = until === undefined ? (Number.MAX_SAFE_INTEGER as TraceId) : firstTraceId((until + 1) * 1_000);
    // Those behind the mark have no keys yet, and are looked through.
    const found = key === undefined ? first : (await this.#engine.read(lastFound)) + 1;
    const parts = [
      { since: Math.max(first, found) as TraceId, before: end, key: undefined },
      { since: first, before: Math.min(end, found) as TraceId, key },
    ];
    for (const part of parts) {
      for (let { before } = part; before > part.since; await setImmediate()) {
        const place = { since: part.since, before };
        const page = await this.#engine.read((tx) => tracePage(tx, place, part.key, PAGE_ROWS));
        yield page.filter(fits);
        if (page.length < PAGE_ROWS) break;
        before = page.at(-1)!.id;
      }
    }
  }

  /** What became of a message on its way out, in the order of time. */
  events(id: TraceId): Promise<TraceEvent[]> {
    return this.#engine.read((tx) => traceEvents(tx, id));
  }

  /** What was done with an account's mail since, in the order of time, a page at a time. */
  async *changes(account: AccountId, since: TraceId): AsyncGenerator<readonly TraceChange[], void, void> {
    for (let after: TraceId | undefined = (since - 1) as TraceId; after !== undefined; await setImmediate()) {
      const from: TraceId = after;
      const page = await this.#engine.read((tx) => changesAfter(tx, account, from, PAGE_ROWS));
      yield page.changes;
      after = page.last;
    }
  }

  /** Part of housekeeping: keys for what came, and an end to what was kept long enough. */
  async keepHouse(now: EpochSeconds, stopped: () => boolean): Promise<void> {
    while (!stopped() && (await this.#engine.write((tx) => addKeys(tx, MESSAGES_A_STEP))) > 0);
    const before = firstTraceId((now - this.#settings.kept) * 1_000);
    while (!stopped() && (await this.#engine.write((tx) => pruneMessages(tx, before, PRUNED_A_STEP))) > 0);
    for (let account: AccountId | undefined = 0 as AccountId; !stopped(); ) {
      const last: AccountId = account;
      account = await this.#engine.read((tx) => changedAfter(tx, last));
      if (account === undefined) return;
      const next = account;
      while (!stopped() && (await this.#engine.write((tx) => pruneChanges(tx, next, before, PAGE_ROWS))) > 0);
    }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => void this.flush(), NOTED_WITHIN).unref();
  }

  #mayNote(peer: string): boolean {
    const now = Date.now();
    let known = this.#peers.get(peer);
    if (known === undefined || known.until < now) {
      known = { until: now + AN_HOUR, count: 0 };
      this.#peers.set(peer, known);
    }
    if (this.#hour.until < now) this.#hour = { until: now + AN_HOUR, count: 0 };
    return ++known.count <= REFUSED_A_PEER && ++this.#hour.count <= REFUSED_IN_ALL;
  }

  async #flush(): Promise<void> {
    const refused = this.#refused;
    const retrieved = this.#retrieved;
    this.#refused = [];
    this.#retrieved = new Map();
    this.#retrievedCount = 0;
    for (let from = 0; from < refused.length; from += REFUSED_A_STEP) {
      const some = refused.slice(from, from + REFUSED_A_STEP);
      await this.#write((tx) => recordRefused(tx, some, this.#clock));
    }
    for (const [key, each] of retrieved) await this.#noteRetrieved(key, each);
  }

  async #noteRetrieved(key: string, { account, by, emails, at }: Retrieved): Promise<void> {
    const before = this.#known.get(key) ?? (await this.#retrievedBefore(account, by));
    const fresh = emails.difference(before);
    if (fresh.size > 0) await this.#write((tx) => recordEarlierChange(tx, account, by, 'retrieved', fresh, at));
    this.#known.set(key, before.union(emails));
  }

  async #retrievedBefore(account: AccountId, by: TraceBy): Promise<ReadonlySet<number>> {
    const known = new Set<number>();
    for (const text of await this.#engine.read((tx) => retrievedBy(tx, account, by))) {
      for (const email of numbersIn(parseRuns(text))) known.add(email);
    }
    return known;
  }
}

async function recordRefused(tx: Writer, refused: readonly RefusedMessage[], clock: TraceClock): Promise<void> {
  for (const { message, messageId } of refused)
    await recordMessage(tx, await nextTraceId(tx, clock), message, messageId);
}
