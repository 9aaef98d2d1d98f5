/**
 * The server is killed at every step in the life of a message that leaves, and started again: what was acknowledged is sent, and its sender hears
 * of what failed. Twice it is sent only where the peer had said 250 before the server could note it (RFC 5321 4.5.5).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { addGroup, joinGroup } from '../../src/server/admin/groups.ts';
import { listQueue } from '../../src/server/admin/queue.ts';
import { removeQueued, retryQueued } from '../../src/server/admin/queue-change.ts';
import { setQuota } from '../../src/server/admin/quotas.ts';
import { verify } from '../../src/server/admin/verify.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import { LineClient } from '../helpers/line-client.ts';
import { dotStuffed, PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';
import type { ScriptedPeer } from '../outbound/scripted-peer.ts';

const ANNA = 'anna@office.test';

/** What the peer hears when the server dies; `taken` is the moment after its 250. */
const STEPS = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'body', 'taken'] as const;
const LOST = 'lost';

test('killed at every step, the server sends what it acknowledged: once, or twice where the peer had taken it', async (t) => {
  const internet = await Internet.open(t);
  const killer = new Killer();
  // A domain for each step: so each has a connection of its own, from its greeting on.
  const peers = new Map<string, ScriptedPeer>();
  for (const step of [...STEPS, LOST]) {
    peers.set(step, await internet.peer(domainOf(step), { says: (command) => killer.hears(command) }));
  }
  const office = await internet.office('office.test');
  killer.office = office;
  for (const step of STEPS) {
    const died = killer.killAt(step);
    await submit(office, `carl@${domainOf(step)}`);
    await died;
    await office.start();
    await attempts(office, 'sent');
  }
  assert.deepEqual(problems(STEPS, peers), []);
  assert.deepEqual((await perform(verify, {}, office)).findings, []);
  const copies = new Map(STEPS.map((step) => [step, taken(peers, step)]));
  t.diagnostic(`sent, by the step at which the server was killed: ${JSON.stringify(Object.fromEntries(copies))}`);

  // A negative control: mail that is taken out of the queue behind the test's back is missed.
  const died = killer.killAt('RCPT');
  await submit(office, `carl@${domainOf(LOST)}`);
  await died;
  await perform(removeQueued, { toDomain: domainOf(LOST), report: false }, office);
  await office.start();
  assert.deepEqual(problems([...STEPS, LOST], peers), ['lost was sent 0 times']);
});

test('killed while it hears that a message is refused, the server tells its sender, once', async (t) => {
  const internet = await Internet.open(t);
  const killer = new Killer();
  await internet.peer('shop.test', {
    says(command) {
      killer.hears(command);
      return command === 'RCPT' ? '550 5.1.1 nobody' : undefined;
    },
  });
  const office = await internet.office('office.test');
  killer.office = office;
  const died = killer.killAt('RSET');
  await submit(office, 'carl@shop.test');
  await died;
  await office.start();
  await attempts(office, 'failed');
  const [laptop] = office.devices('anna', ['laptop']);
  assert.equal((await laptop.pop3((session) => session.subjects())).length, 1);
  assert.deepEqual((await perform(verify, {}, office)).findings, []);
});

test('killed while a copy waits for room in a full mailbox, the server files it when there is some, once', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna', 'ben'] });
  const ben = { scope: 'account', name: 'ben@office.test' } as const;
  await perform(addGroup, { group: 'All', description: '', address: 'all@office.test' }, office);
  await perform(joinGroup, { group: 'All', accounts: [ANNA, ben.name] }, office);
  await perform(setQuota, { ...ben, bytes: 1 }, office);
  await submit(office, 'all@office.test');
  await office.kill();
  await office.start();
  await perform(retryQueued, {}, office);
  await attempts(office, 'deferred');
  await perform(setQuota, { ...ben, bytes: null }, office);
  await office.kill();
  await office.start();
  await perform(retryQueued, {}, office);
  await attempts(office, 'sent');
  await office.kill();
  await office.start();
  for (const person of ['anna', 'ben']) {
    const [laptop] = office.devices(person, ['laptop']);
    assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['Offer'], person);
  }
  assert.equal((await perform(listQueue, { most: 10 }, office)).recipients, 0);
  assert.deepEqual((await perform(verify, {}, office)).findings, []);
});

const domainOf = (step: string) => `${step.toLowerCase()}.test`;

/** Kills the server when the peer hears something. */
class Killer {
  office!: TrialOffice;
  #step: string | undefined;
  #died: ((value: Promise<void>) => void) | undefined;

  /** Resolves when it is dead. */
  killAt(step: string): Promise<void> {
    this.#step = step;
    return new Promise((resolve) => (this.#died = resolve));
  }

  /** @returns what the peer says: nothing, when that is for nobody any more */
  hears(command: string): 'silence' | undefined {
    if (this.#step === undefined) return undefined;
    if (command === this.#step) return this.#kill('silence');
    if (command === 'body' && this.#step === 'taken') return this.#kill(undefined);
    return undefined;
  }

  #kill<Said>(said: Said): Said {
    this.#step = undefined;
    this.#died?.(this.office.kill());
    return said;
  }
}

/** Resolves when the server has acknowledged it; nothing more is asked of it. */
async function submit(office: TrialOffice, to: string): Promise<void> {
  const client = await LineClient.connect(office.port('submission'));
  try {
    await client.reply('220');
    await client.ask('EHLO laptop.test', '250');
    await client.ask(`AUTH PLAIN ${saslPlain(ANNA, PASSWORD)}`, '235');
    await client.ask(`MAIL FROM:<${ANNA}>`, '250');
    await client.ask(`RCPT TO:<${to}>`, '250');
    await client.ask('DATA', '354');
    client.send(dotStuffed(`From: ${ANNA}\r\nTo: ${to}\r\nSubject: Offer\r\n\r\nHello.\r\n`));
    await client.reply('250');
  } finally {
    client.close();
  }
}

function taken(peers: ReadonlyMap<string, ScriptedPeer>, step: string): number {
  return peers.get(step)!.taken.length;
}

/** What was lost, or sent more often than it may be. */
function problems(steps: readonly string[], peers: ReadonlyMap<string, ScriptedPeer>): string[] {
  return steps.flatMap((step) => {
    const times = taken(peers, step);
    const most = step === 'taken' ? 2 : 1;
    return times >= 1 && times <= most ? [] : [`${step} was sent ${times} times`];
  });
}
