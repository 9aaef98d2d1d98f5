/** An office whose mail to everywhere else goes to one peer, by the real dispatcher; people submit over real sockets. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { Resolver } from '../../src/dns/resolver.ts';
import { Dispatcher } from '../../src/outbound/dispatcher.ts';
import { Here } from '../../src/outbound/here.ts';
import type { OwnMail } from '../../src/outbound/own-mail.ts';
import { Routes } from '../../src/outbound/route.ts';
import { Sts } from '../../src/outbound/tls/sts.ts';
import type { RecipientOutcome } from '../../src/outbound/types.ts';
import { openOwnMail } from '../../src/server/own-mail.ts';
import { sql } from '../../src/store/engine/sql.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { recordOutcomes } from '../../src/trace/attempts.ts';
import { defer } from '../helpers/defer.ts';
import { type Client, type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from './scripted-peer.ts';

export const DAY = 86_400;
const TIMES = {
  warn: sql('UPDATE queue_message SET warn = ?'),
  expires: sql('UPDATE queue_message SET expires = ?'),
};
const PLAIN = Buffer.from(`\0anna@office.test\0${PASSWORD}`).toString('base64');

export class SendingOffice {
  readonly room: MailRoom;
  readonly peer: ScriptedPeer;
  readonly outcomes: RecipientOutcome[] = [];
  readonly faults: unknown[] = [];
  /** What people see of their mail that waits. */
  readonly ownMail: OwnMail;
  readonly #dispatcher: Dispatcher;
  #heard: (() => void) | undefined;

  static async open(t: TestContext, options: ScriptedPeerOptions = {}): Promise<SendingOffice> {
    const peer = await scriptedPeer(t, options);
    const routes = new Routes([{ domains: ['*'], host: '127.0.0.1', port: peer.port, tls: 'opportunistic' }]);
    let wake = () => {};
    const room = await mailRoom(t, {
      people: ['anna', 'ben', 'cleo'],
      smtp: { hold: 30 * DAY * 1_000 },
      outgoing: {
        destinationOf: (address) => routes.destinationOf(address),
        times: (from) => ({ warn: 0, expires: from + DAY }),
        wake: () => wake(),
      },
    });
    const office = new SendingOffice(room, peer, routes);
    wake = () => office.#dispatcher.wake();
    defer(t, async () => {
      await office.#dispatcher.stop(5_000);
      assert.deepEqual(office.faults, []);
    });
    return office;
  }

  private constructor(room: MailRoom, peer: ScriptedPeer, routes: Routes) {
    this.room = room;
    this.peer = peer;
    const { store, delivery, directory } = room;
    const resolver = new Resolver({ servers: [], validating: false });
    const log = pino({ level: 'silent' });
    const onInternalError = (error: unknown) => this.faults.push(error);
    this.#dispatcher = new Dispatcher({
      queue: store.queue,
      store,
      routes,
      resolver,
      sts: new Sts({ resolver, kept: store.stsPolicies, log, onInternalError }),
      helo: 'mail.office.test',
      ownNames: new Set(),
      port: 25,
      random: () => 0.5,
      steadyAfter: 0,
      byDestination: 2,
      connections: 4,
      spareFor: 60_000, // also for a machine that needs long to submit the next message
      reporter: room.reports,
      here: new Here({ store, delivery: Promise.resolve(delivery), accountOf: (id) => directory.accountOf(id) }),
      signer: { sign: async () => Buffer.alloc(0) },
      record: recordOutcomes,
      log,
      onInternalError,
      onOutcome: (outcome) => {
        this.outcomes.push(outcome);
        this.#heard?.();
      },
    });
    this.ownMail = openOwnMail(store, this.#dispatcher);
  }

  /** Anna, signed in. */
  async submission(): Promise<Client> {
    const client = await this.room.connect('submission');
    const offered = await client.ask('EHLO laptop.test');
    assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 /);
    assert.match(offered, new RegExp(`250-FUTURERELEASE ${30 * DAY} \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z\r\n`));
    return client;
  }

  /** Sends as Anna. @returns the reply to the message */
  async submit(parameters: string, ...recipients: readonly string[]): Promise<string> {
    const client = await this.submission();
    assert.match(await client.ask(`MAIL FROM:<anna@office.test> ${parameters}`), /^250 /);
    for (const recipient of recipients) assert.match(await client.ask(`RCPT TO:${recipient}`), /^250 /);
    assert.match(await client.ask('DATA'), /^354 /);
    return client.ask('Subject: Party\r\nFrom: anna@office.test\r\n\r\nCome!\r\n.');
  }

  /** Mail from elsewhere. @returns the reply to the message */
  async receive(sender: string, ...recipients: readonly string[]): Promise<string> {
    const client = await this.room.connect('smtp');
    await client.ask('EHLO far.test');
    assert.match(await client.ask(`MAIL FROM:<${sender}>`), /^250 /);
    for (const recipient of recipients) assert.match(await client.ask(`RCPT TO:<${recipient}>`), /^250 /);
    assert.match(await client.ask('DATA'), /^354 /);
    return client.ask('Subject: Party\r\nFrom: sam@example.net\r\n\r\nCome!\r\n.');
  }

  /** Tries all that waits now, as an administrator would. */
  async retry(): Promise<void> {
    const { queue } = this.room.store;
    for await (const page of queue.pages()) await queue.change(page, { kind: 'retry' }, async () => {});
    this.#dispatcher.wake();
  }

  /** The time of all that waits is over, or it is late. */
  async pass(time: keyof typeof TIMES): Promise<void> {
    await this.room.store.engine.write(async (tx) => tx.run(TIMES[time], nowSeconds()));
    this.#dispatcher.wake();
  }

  /** Resolves when so many outcomes are known in all. */
  async known(count: number): Promise<string[]> {
    while (this.outcomes.length < count) await new Promise<void>((resolve) => (this.#heard = resolve));
    return this.outcomes.map(({ recipient, kind }) => `${recipient.address} ${kind}`).sort();
  }

  /** The time of all that waits for it has come. */
  async itIsTime(): Promise<void> {
    const { queue } = this.room.store;
    await queue.change((await Array.fromAsync(queue.pages())).flat(), { kind: 'retry' }, async () => {});
    this.#dispatcher.wake();
  }

  async waiting(): Promise<{ address: string; due: number }[]> {
    const [page = []] = await Array.fromAsync(this.room.store.queue.pages());
    return page.map(({ address, due }) => ({ address, due }));
  }
}
