import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mechanismsOf } from './client.ts';
import { fetchAndDelete, fetchAndKeep, fetchOddMessages } from './fetching.ts';
import { Mpop } from './mpop.ts';

test('mpop, keeping mail in the office, gets nothing twice and loses nothing', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchAndKeep(office, mpop!);
});

test('mpop, taking mail out of the office, gets nothing twice and loses nothing', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchAndDelete(office, mpop!);
});

test('mpop gets odd messages as they are', async (t) => {
  const { office, mpop } = (await Mpop.open(t)) ?? {};
  if (office !== undefined) await fetchOddMessages(office, mpop!);
});

test('mpop signs in with every mechanism it has, with TLS, STLS, and without on loopback', async (t) => {
  const { office, home, mpop } = (await Mpop.open(t)) ?? {};
  if (office === undefined || home === undefined) return;
  let delivered = 0;
  for (const tls of ['implicit', 'STLS', 'none'] as const) {
    for (const mechanism of ['user', ...(await mechanismsOf(home, 'mpop'))]) {
      if (mechanism.endsWith('-plus') && tls === 'none') continue; // it is bound to the TLS it comes by
      await office.deliver({ to: 'anna' });
      await mpop!.fetch({ keep: false, tls }, mechanism, mechanism === 'plain' ? 'fingerprint' : 'authority');
      assert.equal((await mpop!.received()).length, ++delivered);
    }
  }
});
