/** A host that was mistyped in the configuration, and mended: what waited for it, and what waits for a route that is still there. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { checkWay } from '../../src/server/admin/outbound.ts';
import { listQueue } from '../../src/server/admin/queue.ts';
import { listTrace } from '../../src/server/admin/trace.ts';
import { attempts, Internet } from '../helpers/internet.ts';

test('mail that waits for a route which is not configured any more goes the way that is, after a start', async (t) => {
  const internet = await Internet.open(t);
  const route = (domain: string, host: string) =>
    `[[routes]]\ndomains = ["${domain}"]\nhost = "${host}"\nport = ${internet.port}\ntls = "opportunistic"\n`;
  const provider = await internet.peer('provider.test');
  internet.host('away.test'); // nobody listens there
  const config = route('*', 'mx.provdier.test') + route('far.test', 'mx.away.test');
  const office = await internet.office('office.test', { config });
  const send = (to: string) =>
    office.submit({ from: 'anna@office.test', to, raw: 'From: anna@office.test\r\nSubject: Offer\r\n\r\nHello.\r\n' });
  await send('carl@shop.test');
  await send('dora@far.test');
  await attempts(office, 'deferred', 2);
  const waits = async () =>
    (await perform(listQueue, { most: 9 }, office)).entries.map(({ destination }) => destination);
  const away = `route:mx.away.test:${internet.port}`;
  assert.deepEqual(await waits(), [`route:mx.provdier.test:${internet.port}`, away]);

  await office.stop();
  await writeFile(office.config, (await readFile(office.config, 'utf8')).replace('provdier', 'provider'));
  await office.start();
  await attempts(office, 'sent');
  assert.deepEqual(
    provider.taken.map(({ recipients }) => recipients),
    [['carl@shop.test']],
  );
  assert.deepEqual(await waits(), [away]);
  const { stories } = await perform(listTrace, { to: 'carl@shop.test', most: 1 }, office);
  const [moved] = stories[0]!.events.filter(({ kind }) => kind === 'reroute');
  assert.match(
    moved!.text,
    /^was sent another way to route:mx\.provider\.test:\d+ for carl@shop\.test by the configuration$/,
  );
  assert.match(office.log, /"gone":\["route:mx\.provdier\.test:\d+"\],"recipients":1,/);

  // Of its own domains nobody asks the DNS.
  const { ours, trouble } = await perform(checkWay, { domain: 'ben@Office.test', connect: true }, office);
  assert.deepEqual([ours, trouble], [true, null]);
});
