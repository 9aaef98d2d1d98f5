/** Where forwardings lead when what they lead to moves, goes, or comes back; and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFormer } from '../../src/directory/former-account.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { removeSome } from '../../src/store/operations/accounts.ts';
import { openOffice } from './office.ts';

const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';
const CARLA = 'carla@office.test';
const refusal = (code: string) => ({ name: 'Refused', code });

test('a forwarding follows what it leads to, and ends with it', async (t) => {
  const { directory } = await openOffice(t, { domains: ['office.test', 'shop.test'], people: [ANNA, BEN, CARLA] });
  const changes = directory.by('the test');
  const shown = async () => (await directory.ways.forwarding(ANNA))?.to;
  await changes.aliases.add('desk@office.test', CARLA);
  await changes.forwarding.set(ANNA, [BEN, 'desk@office.test'], { keeps: false });
  await changes.accounts.rename(BEN, 'bert@office.test', { keepOld: false });
  await changes.aliases.rename('desk@office.test', 'office@shop.test');
  assert.deepEqual(await shown(), ['bert@office.test', 'office@shop.test']);
  await changes.domains.rename('shop.test', 'store.test', { keepOld: true });
  assert.deepEqual(await shown(), ['bert@office.test', 'office@store.test']);
  await changes.forwarding.set(ANNA, ['office@shop.test', 'bert@office.test'], { keeps: false }); // by the domain's other name
  assert.deepEqual(await shown(), ['bert@office.test', 'office@store.test']);

  await changes.aliases.remove('office@store.test');
  assert.deepEqual(await shown(), ['bert@office.test']);
  await changes.accounts.remove('bert@office.test');
  assert.equal(await shown(), undefined);
  assert.equal((await directory.account(ANNA)).forwards, undefined);
  assert.deepEqual(await Array.fromAsync(directory.ways.forwardings()), []);

  // Whoever gets the address next gets nothing that was meant for somebody else.
  await changes.aliases.add('bert@office.test', CARLA);
  const resolved = await directory.resolve(ANNA);
  assert.ok(resolved.kind === 'accounts');
  assert.equal(resolved.onward, undefined);
});

test('a domain that was elsewhere and is ours now is looked up here, whatever was set before', async (t) => {
  const { directory } = await openOffice(t, { people: [ANNA, BEN] });
  const changes = directory.by('the test');
  await changes.forwarding.set(ANNA, ['ben@new.test', 'gone@new.test'], { keeps: false });
  await changes.domains.add('new.test');
  await changes.aliases.add('ben@new.test', BEN);
  const resolved = await directory.resolve(ANNA);
  assert.ok(resolved.kind === 'accounts');
  assert.deepEqual([resolved.onward!.here.map(({ name }) => name), resolved.onward!.forwards], [[BEN], []]);
  await changes.accounts.rename(BEN, 'gone@new.test'); // both addresses are one person's now
  assert.deepEqual((await directory.ways.forwarding(ANNA))!.to, ['ben@new.test', 'gone@new.test']);
  assert.equal((await directory.resolve(ANNA)).kind, 'accounts');
});

test('what can not be forwarded to is refused, with what to do', async (t) => {
  const { directory } = await openOffice(t, { people: [ANNA, BEN] });
  const { forwarding } = directory.by('the test');
  const set = (...to: string[]) => forwarding.set(ANNA, to, { keeps: true });
  await assert.rejects(set(), refusal('directory.invalid'));
  await assert.rejects(set('nobody@office.test'), refusal('directory.missing'));
  await assert.rejects(set('anna'), refusal('directory.invalid'));
  await assert.rejects(set('anna@[192.0.2.1]'), refusal('directory.invalid'));
  await assert.rejects(set('anna@localhost'), refusal('directory.invalid'));
  await assert.rejects(set(...Array.from({ length: 21 }, (_, at) => `a${at}@far.test`)), refusal('directory.invalid'));
  await directory.by('the test').accounts.setState(BEN, 'closed');
  await assert.rejects(set(BEN), refusal('directory.invalid'));
  await assert.rejects(forwarding.set('nobody@office.test', [BEN], { keeps: true }), refusal('directory.missing'));
  await assert.rejects(forwarding.remove(ANNA), refusal('directory.missing'));
  await set('a@far.test', 'A@FAR.test');
  await assert.rejects(forwarding.remove(ANNA, 'b@far.test'), refusal('directory.missing'));
  await forwarding.remove(ANNA, 'a@far.test');
  assert.equal(await directory.ways.forwarding(ANNA), null);
});

test('an account that comes back from a backup forwards as it did', async (t) => {
  const { directory, engine } = await openOffice(t, { people: [ANNA, BEN] });
  const changes = directory.by('the test');
  await changes.forwarding.set(ANNA, [BEN, 'anna@home.test'], { keeps: false });
  const former = (await engine.read((tx) => readFormer(tx, ANNA)))!;
  const { id } = await directory.account(ANNA);
  await changes.accounts.remove(ANNA);
  assert.deepEqual(await Array.fromAsync(directory.ways.forwardings()), []);
  while (await engine.write((tx) => removeSome(tx, id, 1_000))) {}
  await changes.accounts.bringBack(former, { id: 'b', taken: nowSeconds() });
  assert.deepEqual(await directory.ways.forwarding(ANNA), { to: ['anna@home.test', BEN], keeps: false });
});
