/**
 * Random histories of mail that leaves, against what must hold in each: several destinations with servers of all tempers, and administrators at work.
 * A message that is stuck keeps its test from ending: nothing is looked at here without a reason. The seed is in the name of the test.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { HERE } from '../../src/delivery/types.ts';
import type { DispatcherOptions } from '../../src/outbound/dispatcher.ts';
import type { RecipientOutcome } from '../../src/outbound/types.ts';
import { type EmailId, nowSeconds, type QueueId } from '../../src/store/ids.ts';
import type { Queue, QueueChange } from '../../src/store/queue.ts';
import { PRIORITIES } from '../../src/store/types.ts';
import fc from '../helpers/properties.ts';
import { SEED } from '../helpers/seed.ts';
import type { Saying, ScriptedPeer } from './scripted-peer.ts';
import { SendingRoom } from './sending-room.ts';

const RUNS = Number(process.env['RAINMAIL_DISPATCHER_RUNS'] ?? 5);

const TEMPERS = ['quick', 'slow', 'strict', 'few connections', 'silent', 'breaking', 'closed'] as const;
type Temper = (typeof TEMPERS)[number];
const DESTINATIONS = 5;
/** What of the queue may go wrong once, as when a disk or a database server does. */
const FAULTS = ['nextBatches', 'areDue', 'destinationsDue', 'nextDue', 'failures'] as const;

const letter = fc.record({
  /** Destinations, and {@link HERE} beyond them. */
  to: fc.uniqueArray(fc.nat(DESTINATIONS), { minLength: 1, maxLength: 3 }),
  each: fc.oneof({ weight: 15, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: fc.constant(120) }),
  priority: fc.constantFrom(...PRIORITIES),
  later: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 3_600) }),
});
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('queue' as const), letters: fc.tuple(letter) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('queue' as const),
      letters: letter.map((one) => Array.from({ length: 45 }, () => ({ ...one, each: 1 }))),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('hold', 'release', 'retry', 'remove', 'reroute'),
      at: fc.nat(),
      to: fc.nat(DESTINATIONS - 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('let go on' as const), turns: fc.nat(200) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fault' as const), of: fc.constantFrom(...FAULTS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);
const history = fc.record({
  tempers: fc.array(fc.constantFrom(...TEMPERS), { minLength: DESTINATIONS, maxLength: DESTINATIONS }),
  spareFor: fc.constantFrom(1, 20, 200),
  patience: fc.constantFrom(5, 50),
  chances: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
  steps: fc.array(step, { minLength: 15, maxLength: 40 }),
});

function nameOf(at: number): string {
  return at === DESTINATIONS ? HERE : `d${at}.test`;
}

function replyOf(temper: Temper, command: string, chance: number, peer: ScriptedPeer): Saying | undefined {
  const isAnswer = command !== 'QUIT' && command !== 'EHLO';
  switch (temper) {
    case 'strict':
      if (command !== 'RCPT' && command !== 'MAIL' && command !== 'body') return undefined;
      return chance < 0.1 ? '450 4.2.1 later' : chance < 0.2 ? '550 5.1.1 never' : undefined;
    case 'few connections':
      return command === 'greeting' && peer.sockets.size > 1 ? '421 4.3.2 too many' : undefined;
    case 'silent':
      return isAnswer && chance < 0.05 ? 'silence' : undefined;
    case 'breaking':
      return isAnswer && chance < 0.1 ? 'drop' : undefined;
    case 'closed':
      return command === 'greeting' ? '554 5.3.2 not today' : undefined;
    default:
      return undefined;
  }
}

/** The queue with a fault now and then. */
class Faults {
  readonly made: unknown[] = [];
  readonly #next = new Set<string>();

  plan(what: (typeof FAULTS)[number]): void {
    this.#next.add(what);
  }

  over(queue: Queue): Partial<Queue> {
    const faulty = FAULTS.map((name) => {
      const call = (...args: unknown[]): unknown => {
        if (!this.#next.delete(name)) return Reflect.apply(queue[name], queue, args);
        const error = new Error(`no ${name} now`);
        this.made.push(error);
        return Promise.reject(error);
      };
      return [name, call] as const;
    });
    return Object.fromEntries(faulty);
  }
}

class History {
  readonly faults = new Faults();
  room!: SendingRoom;
  readonly #peers: ScriptedPeer[] = [];
  readonly #messages: QueueId[] = [];
  readonly #emails = new Map<QueueId, EmailId>();
  /** Held or removed, and nobody has let it go on. */
  readonly #stopped = new Set<EmailId>();
  /** Sent although they were. */
  readonly #betrayed: EmailId[] = [];
  readonly #here: string[] = [];

  static async open(t: TestContext, { tempers, chances, spareFor, patience }: HistoryPlan): Promise<History> {
    const made = new History();
    const options = { connections: 3, byDestination: 2, spareFor, patience, lookEvery: 1e9 };
    made.room = await SendingRoom.open(
      t,
      {
        ...options,
        limits: { connect: 10_000, greeting: 300, silence: 300, message: 20_000 },
        here: { deliver: async (_message, recipients) => recipients.map((each) => made.#isHere(each)) },
      },
      (queue) => made.faults.over(queue),
      (store): DispatcherOptions['store'] => ({
        bodyRecords(account, emails) {
          made.#betrayed.push(...emails.filter((email) => made.#stopped.has(email)));
          return store.bodyRecords(account, emails);
        },
        bodies: store.bodies,
      }),
    );
    for (const [at, temper] of tempers.entries()) {
      const says = (command: string): Saying | undefined =>
        replyOf(temper, command, chances.next().value!, made.#peers[at]!);
      made.#peers.push(await made.room.domain(nameOf(at), { says, thinksFor: temper === 'slow' ? 3 : 0 }));
    }
    return made;
  }

  #isHere(recipient: RecipientOutcome['recipient']): RecipientOutcome {
    this.#here.push(recipient.address);
    return { recipient, kind: 'sent', said: { reply: 250, status: '2.1.5', text: '' }, peer: '', relaysNotices: true };
  }

  async take(step: HistoryStep): Promise<void> {
    switch (step.do) {
      case 'queue':
        await Promise.all(step.letters.map((each) => this.#queue(each)));
        return;
      case 'wake':
        return this.room.dispatcher.wake();
      case 'let go on':
        for (let turns = 0; turns < step.turns; turns++) await turn();
        return;
      case 'fault':
        return this.faults.plan(step.of);
      case 'restart':
        return this.room.restart();
      default:
        return this.#change(
          step.do === 'reroute' ? { kind: step.do, destination: nameOf(step.to) } : { kind: step.do },
          step.at,
        );
    }
  }

  async #queue({ to, each, priority, later }: Generated<typeof letter>): Promise<void> {
    const number = this.#messages.length;
    this.#messages.push(0 as QueueId);
    const recipients = to.flatMap((at) =>
      Array.from({ length: each }, (_, person) => ({
        address: `m${number}p${person}@${at === DESTINATIONS ? 'office.test' : nameOf(at)}`,
        destination: nameOf(at),
      })),
    );
    const due = nowSeconds() + later;
    const id = await this.room.queue(`m${number}`, [], { recipients, priority, due });
    this.room.dispatcher.wake(to.map(nameOf));
    this.#messages[number] = id;
    const queued = await this.room.store.queue.message(id);
    if (queued !== undefined) this.#emails.set(id, queued.message.email);
  }

  /** As an administrator does with a whole message. */
  async #change(change: QueueChange, at: number): Promise<void> {
    const { queue } = this.room.store;
    const id = this.#messages[at % this.#messages.length];
    const entries = (await Array.fromAsync(queue.pages())).flat().filter((each) => each.id === id);
    const email = id && this.#emails.get(id);
    if (entries.length === 0 || email === undefined) return;
    if (change.kind === 'release' || change.kind === 'retry') this.#stopped.delete(email);
    await queue.change(entries, change, async () => {});
    this.room.dispatcher.wake();
    // People here have it one by one: what is under way is not begun anew.
    const isHere = entries.some(({ destination }) => destination === HERE);
    if ((change.kind === 'hold' || change.kind === 'remove') && !isHere) this.#stopped.add(email);
  }

  /** Resolves when nothing is due any more, nor becomes so soon. */
  async quiet(): Promise<void> {
    for (;;) {
      const { queue } = this.room.store;
      const known = this.room.outcomes.length;
      const [due, next = Infinity] = [await queue.destinationsDue(1), await queue.nextDue(0)];
      if (due.length === 0 && next > nowSeconds() + 60) return;
      await this.room.news(known);
    }
  }

  check(): void {
    assert.deepEqual(this.#betrayed, [], 'it was held or removed, and sent after that');
    const taken = new Map<string, number>();
    const all = [...this.#here, ...this.#peers.flatMap((peer) => peer.taken.flatMap(({ recipients }) => recipients))];
    for (const address of all) taken.set(address, (taken.get(address) ?? 0) + 1);
    const outcomes = Map.groupBy(this.room.outcomes, ({ recipient }) => recipient.address);
    for (const address of new Set([...taken.keys(), ...outcomes.keys()])) {
      const of = outcomes.get(address) ?? [];
      const times = taken.get(address) ?? 0;
      const sent = of.filter(({ kind }) => kind === 'sent').length;
      // What the peer said after the last dot was not heard: who sends it again can't know better.
      const unheard = of.filter(({ kind, said }) => kind === 'deferred' && said.status === '4.4.2').length;
      const told = of.map(({ kind, said }) => `${kind}: ${said.reply} ${said.status} ${said.text}`).join('\n');
      assert.ok(
        times >= sent && times <= sent + unheard,
        `${address} was taken ${times} times, and that is known:\n${told}`,
      );
      assert.ok(sent <= 1, `${address} was sent to ${sent} times:\n${told}`);
    }
  }
}

type Generated<T> = T extends fc.Arbitrary<infer V> ? V : never;
type HistoryPlan = Generated<typeof history>;
type HistoryStep = Generated<typeof step>;

for (const [run, plan] of fc.sample(history, { seed: SEED, numRuns: RUNS }).entries()) {
  test(`whatever happens, all that is due is tried, and nobody gets mail twice (seed ${SEED}, ${run + 1} of ${RUNS})`, async (t) => {
    const made = await History.open(t, plan);
    for (const each of plan.steps) await made.take(each);
    await made.quiet();
    const { room, faults } = made;
    await room.dispatcher.stop(60_000);
    const faulty = room.faults.splice(0);
    assert.equal(room.dispatcher.trying, 0);
    made.check();
    // Two connections may wait for the same reading.
    assert.deepEqual(new Set(faulty), new Set(faults.made));
    assert.deepEqual((await room.store.verify()).findings, []);
  });
}
