/**
 * Sends what is in the queue: who has a connection, and when.
 *
 * Invariants
 * - What waits is in the database alone: a hundred thousand messages cost no more memory than a hundred. In memory is what is being tried, and a few
 *   messages for each connection.
 * - A message is tried once at a time at a destination, and for each of its people once at a time anywhere; connections are bounded for each destination
 *   and in all.
 * - What is set aside no connection takes: whoever has set it aside knows of each recipient whether it has left, waits, or is being tried.
 * - Destinations that are due have connections in turn: a long queue for some of them holds up nobody who waits for others.
 * - One connection serves a destination as long as it keeps up: most of the cost of a short message is the connection, for us and for the peer.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { HERE } from '../delivery/types.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds, type QueueId } from '../store/ids.ts';
import type { QueuedBatch } from '../store/queue.ts';
import { Attempts, type AttemptsOptions, type Noted } from './attempts.ts';
import { ClockWatch } from './clock-watch.ts';
import { Lane } from './lane.ts';
import type { Reached } from './reach.ts';
import { LONGEST_WAIT } from './retry.ts';
import { SpareConnections } from './spare.ts';
import { Turns } from './turns.ts';
import type { IsTried } from './types.ts';

export interface DispatcherOptions extends AttemptsOptions {
  /** Connections to one destination, and in all. */
  readonly byDestination: number;
  readonly connections: number;
  /** For tests: how long a connection waits for the next message, and a message for a connection that is busy. */
  readonly spareFor?: Milliseconds;
  readonly patience?: Milliseconds;
  /** For tests: how often everything is looked at without a reason. */
  readonly lookEvery?: Milliseconds;
  /** For tests: how long after the start, or a jump of the clock, nothing is given up or told to be late. */
  readonly steadyAfter?: Milliseconds;
}

/** However quiet it is, the queue is looked at so often. */
const LOOK_EVERY: Milliseconds = 60_000;
/**
 * A message waits for no longer behind others: then there is one more connection, if there may be. While there are connections, and after a fault of ours,
 * all is looked at so often.
 */
const PATIENCE: Milliseconds = 5_000;
/** Messages for one connection: then another begins, at another host perhaps. */
const MESSAGES_A_CONNECTION = 100;
/** A connection with nothing more to send waits so long for the next message; no server ends one so soon. */
const SPARE_FOR: Milliseconds = 2_000;
/** Where others wait for a connection, one is given up to them after so many. */
const MESSAGES_A_TURN = 10;
/** Destinations that are looked at for the one whose turn it is. */
const DESTINATIONS_A_LOOK = 1_000;
/** By then all that is due has been tried, or whoever set the clock wrong has seen it. */
const STEADY_AFTER: Milliseconds = 1_800_000;
/** What is cut off has so long to come to its end. */
const CUT_WITHIN: Milliseconds = 5_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #attempts: Attempts;
  readonly #patience: Milliseconds;
  readonly #lookEvery: Milliseconds;
  /** Destinations that have a connection, or are just getting one. */
  readonly #lanes = new Map<string, Lane>();
  /** Messages that no connection takes, while something else is done with them: until then. */
  readonly #aside = new Map<QueueId, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #turns = new Turns();
  readonly #spare = new SpareConnections();
  /** More destinations are due than there are connections. */
  #crowded = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  /** What is to be looked at: everything, or these destinations. */
  #all = false;
  readonly #named = new Set<string>();
  /** When everything was last looked at, by the clock and by the machine's own time, which never goes back. */
  #lookedAt: EpochSeconds = 0;
  #lookedAtOwn = 0;
  readonly #clock: ClockWatch;
  #clockJumped = false;
  /** Since then something of ours went wrong: some were not looked at. */
  #hadFault = false;
  #stopping = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#attempts = new Attempts(options, (destinations) => this.#lookAt(destinations));
    this.#patience = options.patience ?? PATIENCE;
    this.#lookEvery = options.lookEvery ?? LOOK_EVERY;
    this.#clock = new ClockWatch(options.steadyAfter ?? STEADY_AFTER);
  }

  /**
   * Something was queued, released or changed: looks what is due. Cheap, and safe to call at any time.
   * @param destinations  where alone something was queued; absent: anything may have changed
   */
  wake(destinations?: Iterable<string>): void {
    if (destinations === undefined) {
      for (const lane of this.#lanes.values()) lane.changed();
      this.#lookAt();
    } else this.#lookAt(destinations);
  }

  /** Whom of a message connections are trying just now. */
  triedOf(id: QueueId): IsTried {
    const tried = [...this.#lanes.values()].flatMap((lane) => {
      const batch = lane.tried(id);
      return batch === undefined ? [] : [{ lane, numbers: new Set(batch.recipients.map(({ number }) => number)) }];
    });
    // Others of it at that destination are next over the same connection; who was rerouted meanwhile may have it from there.
    return ({ number, destination }) =>
      tried.some(({ lane, numbers }) => lane.destination === destination || numbers.has(number));
  }

  /**
   * Does something with a message while no connection begins to send it, and nobody else does something with it here.
   * @param act  is told whom connections are trying already: what comes of that nobody knows yet
   */
  async setAside<T>(id: QueueId, act: (isTried: IsTried) => Promise<T>): Promise<T> {
    for (let other = this.#aside.get(id); other !== undefined; other = this.#aside.get(id)) await other;
    try {
      return await this.#asideFor(id, act);
    } finally {
      this.#lookAt();
    }
  }

  /** Messages that are being tried now. */
  get trying(): number {
    return this.#running.size;
  }

  /** Begins nothing new and waits for what is under way, but no longer than `within`: then it is cut off, and tried again after the next start. */
  async stop(within: Milliseconds): Promise<void> {
    this.#stopping = true;
    this.#attempts.stop();
    clearTimeout(this.#timer);
    this.#spare.dismissAll();
    await this.#turn;
    if (!(await this.#ended(within))) {
      this.#attempts.cut();
      await this.#ended(CUT_WITHIN);
    }
  }

  /** @returns false when something was under way for longer */
  async #ended(within: Milliseconds): Promise<boolean> {
    const late = new AbortController();
    try {
      const ended = Promise.all(this.#running).then(() => true);
      return await Promise.race([ended, wait(within, false, { ref: false, signal: late.signal })]);
    } finally {
      late.abort();
    }
  }

  /** @param destinations  absent: all */
  #lookAt(destinations?: Iterable<string>): void {
    if (this.#stopping) return;
    if (destinations === undefined) this.#all = true;
    else for (const destination of destinations) this.#named.add(destination);
    if (this.#named.size > DESTINATIONS_A_LOOK) this.#all = true;
    this.#turn ??= this.#look()
      .catch((error: unknown) => {
        this.#fault(error);
        this.#lookIn(this.#patience);
      })
      .finally(() => {
        this.#turn = undefined;
        if (this.#all || this.#named.size > 0) this.#lookAt([]);
      });
  }

  async #look(): Promise<void> {
    while ((this.#all || this.#named.size > 0) && !this.#stopping) {
      const [all, named] = [this.#all, [...this.#named]];
      this.#all = false;
      this.#named.clear();
      if (all) await this.#lookAtAll();
      else await this.#begin(await this.#options.queue.areDue(named));
    }
    if (!this.#stopping) await this.#lookAgainLater();
  }

  async #lookAtAll(): Promise<void> {
    this.#hadFault = false;
    this.#lookedAtOwn = performance.now();
    this.#clockJumped ||= this.#clock.hasJumped();
    if (this.#clockJumped) await this.#options.queue.bringForward(nowSeconds() + LONGEST_WAIT);
    this.#clockJumped = false;
    // What is over by a clock that was just set, or since the server was down, is tried before it is given up.
    if (this.#clock.isSteady) {
      if (await this.#attempts.settleOverdue((id, settle) => this.#unlessTried(id, settle))) this.#all = true;
    }
    this.#lookedAt = nowSeconds();
    const due = await this.#options.queue.destinationsDue(DESTINATIONS_A_LOOK);
    this.#crowded = due.length === DESTINATIONS_A_LOOK;
    await this.#begin(this.#turns.inOrder(due));
  }

  async #unlessTried(id: QueueId, settle: () => Promise<Noted>): Promise<Noted | undefined> {
    if (this.#aside.has(id) || this.#lanes.values().some((lane) => lane.holds(id))) return undefined;
    return this.#asideFor(id, settle);
  }

  async #asideFor<T>(id: QueueId, act: (isTried: IsTried) => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#aside.set(id, promise);
    for (const lane of this.#lanes.values()) lane.leaves(id);
    try {
      return await act(this.triedOf(id));
    } finally {
      this.#aside.delete(id);
      for (const lane of this.#lanes.values()) lane.hasNews(); // what was left out may be due still
      resolve();
    }
  }

  async #lookAgainLater(): Promise<void> {
    // What was due when everything was last looked at waits for a connection, whose end wakes us.
    const due = await this.#options.queue.nextDue(this.#lookedAt);
    const inTime = due === undefined ? Infinity : Math.max(0, due - nowSeconds()) * 1_000;
    // Where there are connections something more may become due, which is not seen by that: it waits for no longer than any other behind what they do.
    const every = this.#hadFault || this.#lanes.size > 0 ? Math.min(this.#patience, this.#lookEvery) : this.#lookEvery;
    // However often some are looked at: all are when it is time for all.
    const forAll = Math.max(0, this.#lookedAtOwn + every - performance.now());
    const behindOthers = this.#lanes.values().map((lane) => lane.wantsMoreIn);
    this.#lookIn(Math.min(inTime, forAll, ...behindOthers));
  }

  #lookIn(time: Milliseconds): void {
    clearTimeout(this.#timer);
    if (!this.#stopping) this.#timer = setTimeout(() => this.#lookAt(), time).unref();
  }

  #fault(error: unknown): void {
    this.#hadFault = true;
    this.#options.onInternalError(error);
  }

  /** Sees to it that these destinations are served: a first connection for each, then one more where the others do not keep up. */
  async #begin(due: readonly string[]): Promise<void> {
    for (const destination of due) {
      const lane =
        this.#lanes.get(destination) ?? new Lane(destination, this.#options.queue, this.#patience, this.#aside);
      this.#lanes.set(destination, lane);
      lane.hasNews();
      if (lane.connections === 0 || this.#spare.has(destination)) await this.#connect(lane);
    }
    for (const lane of this.#lanes.values()) {
      if (lane.connections === 0) this.#lanes.delete(lane.destination);
      else if (lane.wantsMore && this.#mayHaveMore(lane)) {
        lane.isLong = false;
        await this.#connect(lane);
      }
    }
  }

  /** A connection that waits, or one more. */
  #mayHaveMore({ destination, connections }: Lane): boolean {
    return this.#spare.has(destination) || connections < this.#options.byDestination;
  }

  /** The next message of a lane gets a connection: one that waits for it, or one more, if there is a place. */
  async #connect(lane: Lane): Promise<void> {
    const { destination } = lane;
    const isFull = () => this.#running.size >= this.#options.connections;
    if (isFull() && !this.#spare.has(destination)) {
      if (lane.connections > 0) return;
      this.#crowded = true;
      this.#spare.dismissOne(); // which wakes us
      return;
    }
    let batch: QueuedBatch | undefined;
    try {
      batch = await lane.take();
    } catch (error) {
      this.#fault(error); // what can't be read here keeps nobody else's mail from leaving
    }
    if (batch === undefined) return;
    this.#turns.had(destination);
    if (this.#spare.give(destination, batch)) return;
    if (isFull() || this.#stopping) {
      lane.release(batch.message.id); // the one that waited has just left
      lane.hasNews();
      return;
    }
    lane.connections++;
    const run = this.#serve(lane, batch)
      .catch((error: unknown) => this.#fault(error))
      .finally(() => {
        this.#running.delete(run);
        lane.connections--;
        this.#lookAt(this.#crowded ? undefined : [destination]);
      });
    this.#running.add(run);
  }

  /** One connection to a destination, for this message and those that follow. */
  async #serve(lane: Lane, first: QueuedBatch): Promise<void> {
    const { destination } = lane;
    let reached: Reached | undefined;
    let batch: QueuedBatch | undefined = first;
    try {
      for (let served = 1; batch !== undefined; served++) {
        try {
          if (reached !== undefined && !fits(reached, batch)) {
            reached.peer.quit();
            reached = undefined;
          }
          if (destination !== HERE) {
            reached ??= await this.#attempts.reach(destination, batch, () => lane.doesWithout());
            if (reached === undefined) return;
          }
          // What was changed meanwhile, held perhaps, is read anew.
          if (lane.isUnchanged(batch)) await this.#give(lane, batch, reached);
        } finally {
          lane.release(batch.message.id);
        }
        if (this.#crowded && served >= MESSAGES_A_TURN) return;
        batch = await this.#next(lane, reached !== undefined);
      }
    } finally {
      reached?.peer.quit();
    }
  }

  async #give(lane: Lane, batch: QueuedBatch, reached: Reached | undefined): Promise<void> {
    const others = () => this.#lanes.values().filter((each) => each !== lane);
    // Sent another way while a server may be taking it: what becomes of that comes first, or they would have it twice.
    if (others().some((each) => each.isGivingAnyOf(batch))) return lane.leaveOut(batch);
    lane.gives(batch);
    try {
      if (reached === undefined) await this.#attempts.giveHere(batch);
      else await this.#attempts.give(lane.destination, batch, reached);
    } finally {
      lane.hasGiven(batch);
      if (!lane.isUnchanged(batch)) {
        for (const other of others()) other.readAnew(batch);
        this.#lookAt();
      }
    }
  }

  /** What a connection does next; undefined: it ends. */
  async #next(lane: Lane, maySpare: boolean): Promise<QueuedBatch | undefined> {
    const { destination } = lane;
    for (;;) {
      if (this.#stopping) return undefined;
      const batch = await lane.take();
      if (this.#stopping) return undefined; // nobody else takes it any more
      if (lane.isLong && this.#mayHaveMore(lane)) this.#lookAt([destination]);
      if (batch !== undefined || !maySpare || this.#crowded) return batch;
      if (!lane.waits) return this.#spare.wait(destination, this.#options.spareFor ?? SPARE_FOR);
    }
  }
}

/**
 * A connection serves the next message, too, while it is well and not used up. What needs TLS begins one of its own; so does what follows a message
 * that did without.
 */
function fits({ peer, alone }: Reached, { message }: QueuedBatch): boolean {
  return !peer.over && !alone && peer.sent < MESSAGES_A_CONNECTION && message.options.requireTls !== true;
}
