/**
 * What people have sent and what has not left yet: what they see of it, and what they may do with it.
 *
 * Invariants
 * - It is theirs when they have sent it themselves. What only goes on from their account is somebody else's mail: who wrote it, or an administrator,
 *   decides about that, and where no copy stayed, stopping it would lose it.
 * - Whoever hears that somebody does not get it is right: it was set aside while that was settled. Whom a connection is trying just then is left alone.
 * - What hurries a message hurries its destination no more than its time allows: one that was not reached is tried when it is its turn.
 */
import { Refused } from '../errors.ts';
import { Lru } from '../lru.ts';
import { Pace } from '../pace.ts';
import type { Store } from '../store/api.ts';
import type { Writer } from '../store/engine/engine.ts';
import { type AccountId, type EpochSeconds, nowSeconds, type QueueId } from '../store/ids.ts';
import {
  isForLater,
  type OwnChange,
  type OwnPlace,
  type Queue,
  type QueuedBatch,
  type QueuedRecipient,
} from '../store/queue.ts';
import { waitingReason } from './report/person-text.ts';
import type { IsTried, Sending } from './types.ts';
import { wentOnFrom } from './went-on.ts';

/** A message that somebody has sent and that not everybody has got. */
export interface WaitingMail {
  readonly id: QueueId;
  readonly subject: string;
  readonly created: EpochSeconds;
  /** When it is given up. */
  readonly expires: EpochSeconds;
  /** Those who have not got it yet. */
  readonly recipients: readonly WaitingRecipient[];
}

export interface WaitingRecipient {
  /** Unique in its message. */
  readonly number: number;
  readonly address: string;
  /**
   * `later`: until its time has come; `soon`: for its first try; `retry`: for its next one; `away`: until its destination, which was not reached, is
   * tried; `tried`: no more, it is being sent just now; `held`: for an administrator.
   */
  readonly state: 'later' | 'soon' | 'retry' | 'away' | 'tried' | 'held';
  /** When it is tried next; null while it is held. */
  readonly next: EpochSeconds | null;
  /** Why it was not taken, in words; empty: nobody has tried it. */
  readonly why: () => string;
  /** What was said then, by the other server or of the way there. */
  readonly said: string;
}

/** What became of a wish to take a message back. */
export interface TakenBack {
  /** Who does not get it. */
  readonly taken: readonly string[];
  /** Who is just getting it, perhaps. */
  readonly tried: readonly string[];
  /** How many of those who were meant had left the queue before. */
  readonly left: number;
}

export interface OwnMailOptions {
  readonly queue: Queue;
  readonly store: Pick<Store, 'emails'>;
  /** Null: no mail leaves. */
  readonly sending: Pick<Sending, 'triedOf' | 'setAside'> | null;
  /** Joins the transaction of a change: the audit, and the trace. */
  readonly record: (tx: Writer, changed: QueuedBatch, made: OwnChangeMade) => Promise<void>;
}

/** A step of what somebody does with a message. */
export interface OwnChangeMade {
  readonly change: OwnChange;
  readonly person: Person;
  readonly isFirst: boolean;
}

/** Who asks. */
export interface Person {
  readonly account: AccountId;
  /** Their account's name. */
  readonly name: string;
  /** As the audit names them. */
  readonly actor: string;
}

/** In one answer; what goes on from an account is passed over, and may be much. */
const MOST_READ = 2_000;
const DESTINATIONS_AT_ONCE = 100;
/** A message is hurried once in so long: a server that asks to try again later means it. */
const HURRIED_EVERY: EpochSeconds = 600;
const HURRIED_KNOWN = 10_000;

const NONE_TRIED: IsTried = () => false;

export class OwnMail {
  readonly #options: OwnMailOptions;
  readonly #hurried = new Lru<QueueId, EpochSeconds>(HURRIED_KNOWN);

  constructor(options: OwnMailOptions) {
    this.#options = options;
  }

  /** False: nothing leaves this server, whatever waits. */
  get leaves(): boolean {
    return this.#options.sending !== null;
  }

  /** What waits of somebody's, the newest first. @returns the place to read on from, where there is more */
  async list(
    account: AccountId,
    before: OwnPlace | undefined,
    most: number,
  ): Promise<{ readonly mail: readonly WaitingMail[]; readonly next: OwnPlace | null }> {
    const places = await this.#options.queue.of(account, before, MOST_READ);
    const shown: QueuedBatch[] = [];
    const pace = new Pace();
    let next = places.length < MOST_READ ? null : places.at(-1)!;
    for (const place of places) {
      await pace.pause();
      const batch = await this.#own(account, place.id);
      if (batch === undefined) continue;
      if (shown.length === most) {
        next = placeOf(shown.at(-1)!);
        break;
      }
      shown.push(batch);
    }
    return { mail: await this.#shown(account, shown), next };
  }

  /** Of these messages those that are somebody's and wait. */
  async those(account: AccountId, ids: Iterable<QueueId>): Promise<readonly WaitingMail[]> {
    const batches: QueuedBatch[] = [];
    for (const id of new Set(ids)) {
      const batch = await this.#own(account, id);
      if (batch !== undefined) batches.push(batch);
    }
    return this.#shown(account, batches);
  }

  /**
   * Takes a message back from those who have not got it. Nobody is told.
   * @param numbers  of those who are meant; absent: all who wait
   * @throws Refused `message.gone` when nothing of theirs waits under this id
   */
  async takeBack(person: Person, id: QueueId, numbers?: ReadonlySet<number>): Promise<TakenBack> {
    await this.#requireOwn(person.account, id);
    const isMeant = ({ number }: QueuedRecipient) => numbers?.has(number) ?? true;
    return this.#setAside(id, async (isTried) => {
      const before = (await this.#options.queue.message(id))?.recipients.filter(isMeant) ?? [];
      const taken = await this.#change(person, id, 'withdraw', (each) => isMeant(each) && !isTried(each));
      const tried = before.filter(isTried).map(({ address }) => address);
      const left = Math.max(0, (numbers?.size ?? 0) - before.length);
      return { taken: taken.map(({ address }) => address), tried, left };
    });
  }

  /**
   * Sends a message as soon as its destinations are tried: what is for later, and what is to be tried again. What is held stays so.
   * @returns those whom that concerns
   * @throws Refused `message.gone` when nothing of theirs waits under this id, `limit.reached` when they have just asked for it
   */
  async hasten(person: Person, id: QueueId): Promise<readonly string[]> {
    const { recipients } = await this.#requireOwn(person.account, id);
    const now = nowSeconds();
    // What was for later until now was not tried before.
    const isFirst = recipients.some((each) => each.state === 'waiting' && isForLater(each, now));
    if (!isFirst && now - (this.#hurried.get(id) ?? 0) < HURRIED_EVERY) {
      const minutes = HURRIED_EVERY / 60;
      throw new Refused(
        'limit.reached',
        `You have had it tried just now. Wait ${minutes} minutes before you do again.`,
      );
    }
    const hastened = await this.#setAside(id, (isTried) => {
      const waits = (each: QueuedRecipient) => each.state === 'waiting' && each.due > now && !isTried(each);
      return this.#change(person, id, 'hasten', waits);
    });
    if (hastened.length > 0) this.#hurried.set(id, now);
    return hastened.map(({ address }) => address);
  }

  #change(person: Person, id: QueueId, change: OwnChange, isMeant: (recipient: QueuedRecipient) => boolean) {
    const { queue, record } = this.#options;
    return queue.changeOwn(id, change, isMeant, (tx, changed, isFirst) =>
      record(tx, changed, { change, person, isFirst }),
    );
  }

  #setAside<T>(id: QueueId, act: (isTried: IsTried) => Promise<T>): Promise<T> {
    return this.#options.sending?.setAside(id, act) ?? act(NONE_TRIED);
  }

  /** Of somebody else's it says the same as of what is not there. */
  async #requireOwn(account: AccountId, id: QueueId): Promise<QueuedBatch> {
    const batch = await this.#own(account, id);
    if (batch === undefined) {
      throw new Refused('message.gone', 'This message does not wait any more: it has left, or was taken back.');
    }
    return batch;
  }

  /** Undefined: it is somebody else's, or has left. */
  async #own(account: AccountId, id: QueueId): Promise<QueuedBatch | undefined> {
    const batch = await this.#options.queue.message(id);
    return batch !== undefined && isOwn(batch, account) ? batch : undefined;
  }

  async #shown(account: AccountId, batches: readonly QueuedBatch[]): Promise<WaitingMail[]> {
    const { store, sending } = this.#options;
    const records = await store.emails(account, [...new Set(batches.map(({ message }) => message.email))]);
    const subjects = new Map(records.map(({ email, analysis }) => [email, analysis.subject]));
    const sizes = new Map(records.map(({ email, body }) => [email, body.length]));
    const dues = await this.#dues(batches);
    return batches.map(({ message, recipients }) => {
      const { id, email, created, expires, sender } = message;
      const isTried = sending?.triedOf(id) ?? NONE_TRIED;
      const about = { sender, sizeBytes: sizes.get(email) ?? 0 };
      const shown = recipients.map((each) => ({
        number: each.number,
        address: each.address,
        ...stateOf(each, dues.get(each.destination), isTried),
        why: () => (each.reply === '' ? '' : waitingReason('en', each.reply, { ...about, address: each.address })),
        said: each.reply,
      }));
      return { id, subject: subjects.get(email) ?? '', created, expires, recipients: shown };
    });
  }

  /** When each destination is tried next. */
  async #dues(batches: readonly QueuedBatch[]): Promise<ReadonlyMap<string, EpochSeconds | null>> {
    const ways = new Map(
      batches.flatMap(({ message, recipients }) => recipients.map(({ destination }) => [destination, message.id])),
    );
    const counts = [...ways].map(([destination, first]) => ({ destination, first, recipients: 0, held: 0 }));
    const dues = new Map<string, EpochSeconds | null>();
    const pace = new Pace();
    for (let from = 0; from < counts.length; from += DESTINATIONS_AT_ONCE) {
      await pace.pause();
      const some = counts.slice(from, from + DESTINATIONS_AT_ONCE);
      const states = await this.#options.queue.destinations(some);
      for (const [at, { destination }] of some.entries()) dues.set(destination, states[at]!.due);
    }
    return dues;
  }
}

/** Sent by somebody themselves. Reports and read receipts, which have no sender, are nobody's. */
function isOwn({ message: { account, sender, prefix, options } }: QueuedBatch, person: AccountId): boolean {
  return account === person && options.ours === true && sender !== '' && wentOnFrom(prefix) === undefined;
}

function placeOf({ message: { email, id } }: QueuedBatch): OwnPlace {
  return { email, id };
}

/** @param way  when its destination is tried */
function stateOf(
  recipient: QueuedRecipient,
  way: EpochSeconds | null = null,
  isTried: IsTried,
): Pick<WaitingRecipient, 'state' | 'next'> {
  const { due, attempts } = recipient;
  const now = nowSeconds();
  if (isTried(recipient)) return { state: 'tried', next: now };
  if (recipient.state === 'held') return { state: 'held', next: null };
  if (isForLater(recipient, now)) return { state: 'later', next: due };
  const next = Math.max(due, way ?? 0);
  if (way !== null && way > Math.max(due, now)) return { state: 'away', next };
  return { state: attempts === 0 ? 'soon' : 'retry', next };
}
