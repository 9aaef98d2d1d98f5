/** What sends, and all it sends to: a real store, a real DNS, real sockets; the peers are the test's own. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { Resolver } from '../../src/dns/resolver.ts';
import { Dispatcher, type DispatcherOptions } from '../../src/outbound/dispatcher.ts';
import { Routes } from '../../src/outbound/route.ts';
import { Sts } from '../../src/outbound/tls/sts.ts';
import type { RecipientOutcome } from '../../src/outbound/types.ts';
import { type AccountId, nowSeconds, type QueueId } from '../../src/store/ids.ts';
import type { Queue } from '../../src/store/queue.ts';
import type { MailStore } from '../../src/store/store.ts';
import type { Outbound } from '../../src/store/types.ts';
import { defer } from '../helpers/defer.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { message, newAccount, stage, temporaryStore } from '../store/helpers.ts';
import { PATIENT, type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from './scripted-peer.ts';

function withFaults(queue: Queue, faults: Partial<Queue>): Queue {
  return new Proxy(queue, {
    get(target, name) {
      const value: unknown = Reflect.get(faults, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** An office that sends, and the Internet around it: hosts are addresses 127.0.0.x, all listening on one port. */
export class SendingRoom {
  readonly store: MailStore;
  readonly dns: ScriptedDns;
  readonly anna: AccountId;
  readonly outcomes: RecipientOutcome[] = [];
  readonly faults: unknown[] = [];
  dispatcher!: Dispatcher;
  readonly #t: TestContext;
  readonly #port: number;
  #heard: (() => void) | undefined;
  #hosts = 10;
  #makeDispatcher!: () => Dispatcher;

  private constructor(t: TestContext, store: MailStore, dns: ScriptedDns, anna: AccountId, port: number) {
    this.#t = t;
    this.store = store;
    this.dns = dns;
    this.anna = anna;
    this.#port = port;
  }

  /** @param faults  stand between the dispatcher and the queue @param seen  between it and the store */
  static async open(
    t: TestContext,
    options: Partial<DispatcherOptions> = {},
    faults: (queue: Queue) => Partial<Queue> = () => ({}),
    seen: (store: MailStore) => DispatcherOptions['store'] = (store) => store,
  ): Promise<SendingRoom> {
    const store = await temporaryStore(t);
    const dns = await scriptedDns(t);
    const port = (await scriptedPeer(t)).port; // free, on every loopback address
    const room = new SendingRoom(t, store, dns, await newAccount(store, 'anna'), port);
    const queue = withFaults(store.queue, faults(store.queue));
    const resolver = new Resolver({ servers: [dns.server], validating: false });
    const log = pino({ level: 'silent' });
    const onInternalError = (error: unknown) => room.faults.push(error);
    const all: DispatcherOptions = {
      queue,
      store: seen(store),
      routes: new Routes([]),
      resolver,
      sts: new Sts({ resolver, kept: store.stsPolicies, log, onInternalError }),
      helo: 'mail.office.test',
      ownNames: new Set(['mail.office.test']),
      port,
      random: () => 0.5,
      limits: PATIENT,
      byDestination: 2,
      steadyAfter: 0,
      connections: 20,
      reporter: { report: async () => undefined },
      here: { deliver: () => Promise.reject(new Error('nobody waits for anybody here')) },
      signer: { sign: async () => Buffer.alloc(0) },
      record: async () => {},
      log,
      onInternalError,
      onOutcome: (outcome) => {
        room.outcomes.push(outcome);
        room.#heard?.();
      },
      ...options,
    };
    room.#makeDispatcher = () => new Dispatcher(all);
    room.dispatcher = room.#makeDispatcher();
    defer(t, async () => {
      await room.dispatcher.stop(5_000);
      assert.deepEqual(room.faults, []);
    });
    return room;
  }

  /** A domain of the Internet whose one host behaves as the script says. */
  async domain(name: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> {
    const host = `127.0.0.${++this.#hosts}`;
    this.dns.say('MX', name, { preference: 10, exchange: `mx.${name}` });
    this.dns.say('A', `mx.${name}`, host);
    this.dns.say('AAAA', `mx.${name}`);
    return scriptedPeer(this.#t, options, { host, port: this.#port });
  }

  /** Stops, and lets what is under way come to its end; another begins where it was. */
  async restart(): Promise<void> {
    await this.dispatcher.stop(60_000);
    this.dispatcher = this.#makeDispatcher();
    this.dispatcher.wake();
  }

  async send(...letter: Parameters<SendingRoom['queue']>): Promise<QueueId> {
    const id = await this.queue(...letter);
    this.dispatcher.wake();
    return id;
  }

  /** Nobody is told that it is there. */
  async queue(subject: string, to: readonly string[], more: Partial<Outbound> = {}): Promise<QueueId> {
    const recipients = to.map((address) => ({ address, destination: address.slice(address.indexOf('@') + 1) }));
    const expires = nowSeconds() + 86_400;
    const outbound = { account: this.anna, sender: 'anna@office.test', recipients, expires, ...more };
    const { queued } = await this.store.deliver(await stage(this.store, message(subject)), [], {
      outbound: [outbound],
    });
    return queued[0]!;
  }

  /** Resolves when something more has become of somebody, or has already. @param known  outcomes that were known */
  async news(known: number): Promise<void> {
    while (this.outcomes.length <= known) await new Promise<void>((resolve) => (this.#heard = resolve));
  }

  /** Resolves when so many outcomes are known in all. */
  async known(count: number): Promise<string[]> {
    while (this.outcomes.length < count) await this.news(this.outcomes.length);
    return this.outcomes.map(({ recipient, kind }) => `${recipient.address} ${kind}`).sort();
  }
}
