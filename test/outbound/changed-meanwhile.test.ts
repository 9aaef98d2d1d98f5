/** What becomes of mail that an administrator does something with, or whose time is over, while a server has it, and has not answered yet. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nowSeconds, type QueueId } from '../../src/store/ids.ts';
import type { QueueChange } from '../../src/store/queue.ts';
import { inboxOf, message, stage, uidsIn } from '../store/helpers.ts';
import type { ScriptedPeer } from './scripted-peer.ts';
import { SendingRoom } from './sending-room.ts';

const TAKEN = '250 2.0.0 taken';
const LATER = '451 4.3.0 later';
const NEVER = '554 5.6.0 never';

/** Carl's server has heard the last dot of a message, and has not answered; Dora's takes what it gets. Senders are really told of failures. */
class Stalled {
  readonly room: SendingRoom;
  readonly carls: ScriptedPeer;
  readonly doras: ScriptedPeer;
  readonly id: QueueId;

  private constructor(room: SendingRoom, carls: ScriptedPeer, doras: ScriptedPeer, id: QueueId) {
    this.room = room;
    this.carls = carls;
    this.doras = doras;
    this.id = id;
  }

  static async open(t: TestContext, expires = nowSeconds() + 86_400): Promise<Stalled> {
    const report = async (_message: unknown, outcomes: readonly { readonly kind: string }[]) => {
      if (!outcomes.some(({ kind }) => kind === 'failed')) return undefined;
      const staged = await stage(room.store, message('Not delivered'));
      const targets = [{ account: room.anna, prefix: Buffer.from('Return-Path: <>\r\n') }];
      return { message: staged, targets, sent: undefined, outbound: [] };
    };
    const room: SendingRoom = await SendingRoom.open(t, { reporter: { report }, lookEvery: 1e9, patience: 50 });
    const { promise: isAtTheDot, resolve: atTheDot } = Promise.withResolvers<void>();
    let isFirst = true;
    const carls = await room.domain('example.net', {
      says(command) {
        if (command !== 'body' || !isFirst) return undefined;
        isFirst = false;
        atTheDot();
        return 'silence';
      },
    });
    const doras = await room.domain('example.org');
    const id = await room.queue('Offer', ['carl@example.net'], { due: nowSeconds() - 60, expires });
    room.dispatcher.wake(['example.net']);
    await isAtTheDot;
    return new Stalled(room, carls, doras, id);
  }

  async change(...changes: readonly QueueChange['kind'][]): Promise<void> {
    const { queue } = this.room.store;
    for (const kind of changes) {
      const entries = (await Array.fromAsync(queue.pages())).flat().filter(({ id }) => id === this.id);
      const change: QueueChange = kind === 'reroute' ? { kind, destination: 'example.org' } : { kind };
      await queue.change(entries, change, async () => {});
      this.room.dispatcher.wake();
    }
  }

  /** Carl's server answers. */
  answer(line: string): void {
    const [socket] = this.carls.sockets;
    socket!.write(`${line}\r\n`);
  }

  /** What follows at a server is taken after what was there before. */
  async dorasTurn(): Promise<void> {
    const known = this.room.outcomes.length;
    await this.room.send('Letter', ['dora@example.org']);
    await this.room.known(known + 1);
  }

  /** Resolves when nobody is tried any more. */
  async ended(): Promise<void> {
    await this.room.dispatcher.stop(60_000);
  }

  async state() {
    const { store, anna, outcomes } = this.room;
    const [recipient] = (await store.queue.message(this.id))?.recipients ?? [];
    return {
      outcomes: outcomes.map(({ recipient: { address, destination }, kind }) => `${address} by ${destination} ${kind}`),
      waits: recipient && `${recipient.state} for ${recipient.destination}`,
      putOff: recipient !== undefined && recipient.due > nowSeconds(),
      reports: (await uidsIn(store, inboxOf(anna))).length,
    };
  }
}

test('who is sent another way has it once: from the server that took it', async (t) => {
  const mail = await Stalled.open(t);
  await mail.change('reroute');
  await mail.dorasTurn();
  assert.equal(mail.doras.taken.length, 1, 'Dora’s letter alone, while nobody knows whether Carl has his');
  mail.answer(TAKEN);
  await mail.room.known(2);
  await mail.dorasTurn();
  assert.equal(mail.doras.taken.length, 2);
  assert.deepEqual((await mail.room.store.queue.size()).messages, 0);
  assert.deepEqual((await mail.room.store.verify()).findings, []);
});

for (const refusal of [LATER, NEVER]) {
  test(`who is sent another way goes it at once when the first server says ${refusal.slice(0, 3)}`, async (t) => {
    const mail = await Stalled.open(t);
    await mail.change('reroute');
    mail.answer(refusal);
    assert.deepEqual(await mail.room.known(1), ['carl@example.net sent']);
    const sent = { outcomes: ['carl@example.net by example.org sent'], waits: undefined, putOff: false, reports: 0 };
    assert.deepEqual(await mail.state(), sent);
    assert.equal(mail.doras.taken.length, 1);
    assert.deepEqual(await mail.room.store.queue.destinationsDue(10), []);
  });

  test(`who is held stays so, and the sender hears nothing, when the server says ${refusal.slice(0, 3)}`, async (t) => {
    const mail = await Stalled.open(t);
    await mail.change('hold');
    mail.answer(refusal);
    await mail.ended();
    assert.deepEqual(await mail.state(), { outcomes: [], waits: 'held for example.net', putOff: false, reports: 0 });
    await mail.room.restart();
    await mail.change('release');
    assert.deepEqual(await mail.room.known(1), ['carl@example.net sent']);
    assert.equal(mail.carls.taken.length, 1);
  });

  test(`who is removed stays so, and the sender hears nothing, when the server says ${refusal.slice(0, 3)}`, async (t) => {
    const mail = await Stalled.open(t);
    await mail.change('remove');
    mail.answer(refusal);
    await mail.ended();
    assert.deepEqual(await mail.state(), { outcomes: [], waits: undefined, putOff: false, reports: 0 });
    assert.deepEqual((await mail.room.store.verify()).findings, []);
  });

  test(`who is to be tried again is, at once, when the server says ${refusal.slice(0, 3)}`, async (t) => {
    const mail = await Stalled.open(t);
    await mail.change('retry');
    mail.answer(refusal);
    assert.deepEqual(await mail.room.known(1), ['carl@example.net sent']);
    assert.equal(mail.carls.taken.length, 1);
    assert.equal((await mail.state()).reports, 0);
  });
}

for (const changes of [['hold'], ['remove'], ['hold', 'release'], ['retry'], ['hold', 'reroute']] as const) {
  test(`what a server took is settled, whatever was done meanwhile: ${changes.join(', ')}`, async (t) => {
    const mail = await Stalled.open(t);
    await mail.change(...changes);
    mail.answer(TAKEN);
    assert.deepEqual(await mail.room.known(1), ['carl@example.net sent']);
    await mail.ended();
    const sent = { outcomes: ['carl@example.net by example.net sent'], waits: undefined, putOff: false, reports: 0 };
    assert.deepEqual(await mail.state(), sent);
    assert.deepEqual((await mail.room.store.queue.size()).messages, 0);
  });
}

test('who was held and released is put off, or fails, as the server says', async (t) => {
  for (const refusal of [LATER, NEVER]) {
    const mail = await Stalled.open(t);
    await mail.change('hold', 'release');
    mail.answer(refusal);
    await mail.room.known(1);
    const isLater = refusal === LATER;
    assert.deepEqual(await mail.state(), {
      outcomes: [`carl@example.net by example.net ${isLater ? 'deferred' : 'failed'}`],
      waits: isLater ? 'waiting for example.net' : undefined,
      putOff: isLater,
      reports: isLater ? 0 : 1,
    });
  }
});

test('who is over while a server has the message comes to the end that the server gives him, and is told of once', async (t) => {
  for (const [answer, outcomes] of [
    [TAKEN, ['sent']],
    [LATER, ['deferred', 'failed']],
    [NEVER, ['failed']],
  ] as const) {
    const mail = await Stalled.open(t, nowSeconds() - 1);
    await mail.dorasTurn(); // all that is over was looked for before
    assert.deepEqual((await mail.state()).outcomes, ['dora@example.org by example.org sent']);
    mail.answer(answer);
    await mail.room.known(1 + outcomes.length);
    await mail.dorasTurn();
    assert.deepEqual(
      mail.room.outcomes.filter(({ recipient }) => recipient.address.startsWith('carl@')).map(({ kind }) => kind),
      outcomes,
    );
    assert.equal((await mail.state()).reports, answer === TAKEN ? 0 : 1);
    assert.equal((await mail.room.store.queue.size()).messages, 0);
  }
});

test('of several people each goes his own way', async (t) => {
  const mail = await Stalled.open(t);
  const { room } = mail;
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>();
  const peer = await room.domain('example.com', {
    says(command) {
      if (command !== 'body') return undefined;
      asked();
      return 'silence';
    },
  });
  const names = ['held', 'rerouted', 'left'];
  await room.send(
    'Offer',
    names.map((name) => `${name}@example.com`),
  );
  await isAsked;
  const entries = (await Array.fromAsync(room.store.queue.pages())).flat();
  const of = (name: string) => entries.filter(({ address }) => address.startsWith(`${name}@`));
  await room.store.queue.change(of('held'), { kind: 'hold' }, async () => {});
  await room.store.queue.change(of('rerouted'), { kind: 'reroute', destination: 'example.org' }, async () => {});
  room.dispatcher.wake();
  const [socket] = peer.sockets;
  socket!.write(`${NEVER}\r\n`);
  assert.deepEqual(await room.known(2), ['left@example.com failed', 'rerouted@example.com sent']);
  assert.deepEqual((await mail.state()).reports, 1);
});

test('the destination of who is let go on is where he waits now, whatever was known when it was asked for', async (t) => {
  const room = await SendingRoom.open(t);
  const org = await room.domain('example.org');
  await room.queue('Offer', ['carl@example.net']);
  const { queue } = room.store;
  const listed = async () => (await Array.fromAsync(queue.pages())).flat();
  await queue.change(await listed(), { kind: 'hold' }, async () => {});
  const before = await listed();
  await queue.change(before, { kind: 'reroute', destination: 'example.org' }, async () => {});
  await queue.change(before, { kind: 'release' }, async () => {});
  room.dispatcher.wake();
  assert.deepEqual(await room.known(1), ['carl@example.net sent']);
  assert.equal(org.taken.length, 1);
});
