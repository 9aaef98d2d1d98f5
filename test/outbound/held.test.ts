/** Mail that is to be there later (RFC 4865): submitted over a real socket, sent by the real dispatcher. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Resolver } from '../../src/dns/resolver.ts';
import { Dispatcher } from '../../src/outbound/dispatcher.ts';
import { Here } from '../../src/outbound/here.ts';
import { Routes } from '../../src/outbound/route.ts';
import { Sts } from '../../src/outbound/tls/sts.ts';
import type { RecipientOutcome } from '../../src/outbound/types.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { defer } from '../helpers/defer.ts';
import { type Client, type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { type ScriptedPeer, scriptedPeer } from './scripted-peer.ts';

const DAY = 86_400;
const PLAIN = Buffer.from(`\0anna@office.test\0${PASSWORD}`).toString('base64');

/** An office whose mail to everywhere goes to one peer, and what its dispatcher did. */
class SendingOffice {
  readonly room: MailRoom;
  readonly peer: ScriptedPeer;
  readonly outcomes: RecipientOutcome[] = [];
  readonly faults: unknown[] = [];
  readonly #dispatcher: Dispatcher;
  #heard: (() => void) | undefined;

  static async open(t: TestContext): Promise<SendingOffice> {
    const peer = await scriptedPeer(t);
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
      byDestination: 2,
      connections: 4,
      reporter: room.reports,
      here: new Here({ store, delivery: Promise.resolve(delivery), accountOf: (id) => directory.accountOf(id) }),
      signer: { sign: async () => Buffer.alloc(0) },
      record: async () => {},
      log,
      onInternalError,
      onOutcome: (outcome) => {
        this.outcomes.push(outcome);
        this.#heard?.();
      },
    });
  }

  async submission(): Promise<Client> {
    const client = await this.room.connect('submission');
    const offered = await client.ask('EHLO laptop.test');
    assert.match(await client.ask(`AUTH PLAIN ${PLAIN}`), /^235 /);
    assert.match(offered, new RegExp(`250-FUTURERELEASE ${30 * DAY} \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z\r\n`));
    return client;
  }

  async submit(parameters: string, ...recipients: readonly string[]): Promise<void> {
    const client = await this.submission();
    assert.match(await client.ask(`MAIL FROM:<anna@office.test> ${parameters}`), /^250 /);
    for (const recipient of recipients) assert.match(await client.ask(`RCPT TO:${recipient}`), /^250 /);
    assert.match(await client.ask('DATA'), /^354 /);
    assert.match(
      await client.ask('Subject: Party\r\nFrom: anna@office.test\r\n\r\nCome!\r\n.'),
      /^250 2\.0\.0 Waits until 2\d{3}-/,
    );
  }

  /** Resolves when so many outcomes are known in all. */
  async known(count: number): Promise<string[]> {
    while (this.outcomes.length < count) await new Promise<void>((resolve) => (this.#heard = resolve));
    return this.outcomes.map(({ recipient, kind }) => `${recipient.address} ${kind}`).sort();
  }

  async waiting(): Promise<{ address: string; due: number }[]> {
    const [page = []] = await Array.fromAsync(this.room.store.queue.pages());
    return page.map(({ address, due }) => ({ address, due }));
  }
}

test('mail for later is in Sent at once and with nobody before its time; then it is with all, here and elsewhere', async (t) => {
  const office = await SendingOffice.open(t);
  const { room, peer } = office;
  const before = nowSeconds();
  await office.submit('HOLDFOR=2', '<ben@office.test> NOTIFY=SUCCESS', '<carl@example.net>');
  const sent = (await room.store.mailboxes((await room.directory.account('anna@office.test')).id)).find(
    ({ role }) => role === 'sent',
  );
  assert.equal(sent?.total, 1);
  const waiting = await office.waiting();
  assert.deepEqual(
    waiting.map(({ address }) => address),
    ['ben@office.test', 'carl@example.net'],
  );
  for (const { due } of waiting) assert.ok(due >= before + 2);
  assert.deepEqual(await room.inbox('ben'), []);
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'carl@example.net sent']);
  assert.ok(nowSeconds() >= before + 2);
  const [message] = await room.inbox('ben');
  assert.match(
    message!,
    /^Return-Path: <anna@office\.test>\r\nDelivered-To: ben@office\.test\r\n(?:.*\r\n)*Subject: Party/,
  );
  assert.equal(peer.taken.length, 1);
  const [report, ...others] = await room.inbox('anna');
  assert.match(report!, /\r\nFinal-Recipient: rfc822; ben@office\.test\r\nAction: delivered\r\nStatus: 2\.1\.5\r\n/);
  assert.deepEqual(others, []);
  assert.deepEqual(await office.waiting(), []);
  assert.equal((await room.store.verify()).findings.length, 0);
});

test('where the mail goes is looked at when its time has come', async (t) => {
  const office = await SendingOffice.open(t);
  const { room } = office;
  await office.submit('HOLDFOR=2', '<ben@office.test>', '<cleo@office.test>');
  await room.directory.by('the test').removeAccount('cleo@office.test');
  assert.deepEqual(await office.known(2), ['ben@office.test sent', 'cleo@office.test failed']);
  assert.equal((await room.inbox('ben')).length, 1);
  const [report] = await room.inbox('anna');
  assert.match(report!, /\r\nFinal-Recipient: rfc822; cleo@office\.test\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
});

test('whoever has it does not get it again, should the server have died before it noted that', async (t) => {
  const office = await SendingOffice.open(t);
  const { store, delivery, directory } = office.room;
  await office.submit('HOLDFOR=86400', '<ben@office.test>', '<cleo@office.test>');
  const [[first] = []] = await Array.fromAsync(store.queue.pages());
  const { message, recipients } = (await store.queue.message(first!.id))!;
  const [record] = await store.bodyRecords(message.account, [message.email]);
  const bytes = await store.body(message.account, record!.email, record!.body);
  const here = new Here({ store, delivery: Promise.resolve(delivery), accountOf: (id) => directory.accountOf(id) });
  const deliver = () =>
    here.deliver(message, recipients[0]!, bytes.length, async function* () {
      yield bytes;
    });
  assert.equal((await deliver()).kind, 'sent');
  await assert.rejects(deliver, { code: 'message.gone' });
  assert.equal((await office.room.inbox('ben')).length, 1);
  assert.deepEqual(
    (await office.waiting()).map(({ address }) => address),
    ['cleo@office.test'],
  );
  assert.deepEqual((await store.verify()).findings, []);
});

test('mail may wait only as long as is announced, and only for people who signed in', async (t) => {
  const office = await SendingOffice.open(t);
  const client = await office.submission();
  const from = 'MAIL FROM:<anna@office.test>';
  for (const wrong of [
    `HOLDFOR=${30 * DAY + 1}`,
    'HOLDFOR=0',
    'HOLDUNTIL=soon',
    'HOLDFOR=1 HOLDUNTIL=2027-01-01T00:00:00Z',
  ]) {
    assert.match(await client.ask(`${from} ${wrong}`), /^501 5\.5\.4 /, wrong);
  }
  assert.match(await client.ask(`${from} HOLDUNTIL=2020-01-01T00:00:00Z`), /^250 /);
  const other = await office.room.connect('smtp');
  await other.ask('EHLO mx.test');
  assert.match(await other.ask('MAIL FROM:<carl@example.net> HOLDFOR=1'), /^555 /);
});
