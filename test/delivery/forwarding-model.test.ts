/** Random offices whose mail goes on in every way: what SMTP takes is filed and leaves as a plain model of the directory says, once for each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { type Gone, ModelDirectory, NotPossible } from '../directory/model.ts';
import { type Client, type MailRoom, mailRoom } from '../helpers/mail-room.ts';
import fc from '../helpers/properties.ts';

const PEOPLE = ['anna', 'ben', 'carla'];
const ADDRESSES = [...PEOPLE, 'desk', 'team', 'abuse'].map((local) => `${local}@office.test`);
const ELSEWHERE = ['anna@home.test', 'ben@home.test'];
const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from, expires: from + 60 }),
  wake: () => {},
};

const person = fc.constantFrom(...PEOPLE).map((local) => `${local}@office.test`);
const target = fc.constantFrom(...ADDRESSES, ...ELSEWHERE);
const keeps = fc.boolean().map((keep) => ({ keeps: keep }));
const change = fc.oneof(
  fc.tuple(fc.constant('setForwarding'), person, fc.array(target, { minLength: 1, maxLength: 2 }), keeps),
  fc.tuple(fc.constant('addAlias'), fc.constantFrom('desk@office.test', 'abuse@office.test'), target),
  fc.tuple(fc.constant('joinGroup'), fc.constant('Team'), target),
  fc.tuple(fc.constant('leaveGroup'), fc.constant('Team'), target),
  fc.tuple(fc.constant('setState'), person, fc.constantFrom('active', 'closed', 'suspended')),
);
const round = fc.record({
  changes: fc.array(change, { minLength: 2, maxLength: 6 }),
  to: fc.uniqueArray(fc.constantFrom(...ADDRESSES, 'nobody@office.test', 'postmaster@office.test'), {
    minLength: 1,
    maxLength: 3,
  }),
});

/** Makes a change in both, or in neither. */
async function make(room: MailRoom, model: ModelDirectory, [name, ...args]: readonly unknown[]): Promise<void> {
  const changes = room.directory.by('the test');
  const [group, method] = REAL[name as keyof typeof REAL];
  const real = changes[group] as unknown as Methods;
  const done = async (attempt: () => unknown) => {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (error instanceof Refused || error instanceof NotPossible) return false;
      throw error;
    }
  };
  const possible = await done(() => (model as unknown as Methods)[name as string]!(...args));
  const made = await done(() => real[method]!(...args));
  assert.equal(made, possible, `${name} ${JSON.stringify(args)}`);
}

/** Where the directory has what the model calls so. */
const REAL = {
  setForwarding: ['forwarding', 'set'],
  addAlias: ['aliases', 'add'],
  addGroup: ['groups', 'add'],
  setGroupAddress: ['groups', 'setAddress'],
  joinGroup: ['groups', 'join'],
  leaveGroup: ['groups', 'leave'],
  setState: ['accounts', 'setState'],
} as const;

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** @returns the recipients that were taken */
async function send(client: Client, to: readonly string[]): Promise<string[]> {
  await client.ask('MAIL FROM:<sam@far.test>');
  const taken: string[] = [];
  for (const address of to) if ((await client.ask(`RCPT TO:<${address}>`)).startsWith('250')) taken.push(address);
  if (taken.length > 0) {
    await client.ask('DATA');
    client.send('Subject: hello\r\n\r\nHello.\r\n.\r\n');
    assert.match(await client.reply(), /^250 /);
  } else await client.ask('RSET');
  return taken;
}

/** Copies of each, here and elsewhere, since the beginning. */
async function copies(room: MailRoom): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const add = (name: string, count = 1) => found.set(name, (found.get(name) ?? 0) + count);
  for (const local of PEOPLE) add(`${local}@office.test`, (await room.inbox(local)).length);
  for await (const page of room.store.queue.pages()) for (const { address } of page) add(address);
  return found;
}

test('whatever forwards to whatever, each who should has one copy, and nobody else', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 6, maxLength: 10 }), async (rounds) => {
      const room = await mailRoom(t, { people: PEOPLE, outgoing });
      const model = new ModelDirectory();
      model.addDomain('office.test');
      for (const local of PEOPLE) model.addAccount({ address: `${local}@office.test` });
      for (const one of [
        ['addGroup', 'Team'],
        ['setGroupAddress', 'Team', 'team@office.test'],
      ])
        await make(room, model, one);
      const client = await room.connect('smtp');
      await client.ask('EHLO test');
      const expected = await copies(room);
      for (const { changes, to } of rounds) {
        for (const one of changes) await make(room, model, one);
        const answers = new Map(to.map((address) => [address, model.resolve(address)]));
        const taken = await send(client, to);
        assert.deepEqual(
          taken,
          to.filter((address) => typeof answers.get(address) === 'object'),
        );
        const goes = taken.map((address) => answers.get(address) as Gone);
        for (const name of new Set(goes.flatMap(({ here, elsewhere }) => [...here, ...elsewhere])))
          expected.set(name, (expected.get(name) ?? 0) + 1);
        const shown = JSON.stringify(rounds.slice(0, rounds.findIndex((one) => one.to === to) + 1), null, 1);
        assert.deepEqual(Object.fromEntries(await copies(room)), Object.fromEntries(expected), shown);
      }
    }),
    { numRuns: Number(process.env['FORWARDING_RUNS'] ?? 3), endOnFailure: true },
  );
});
