/** What an administrator is told in a bad night: the DNS is dead, the provider's server is away. Once when it begins, and once when it is over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { checkWay } from '../../src/server/admin/outbound.ts';
import { retryQueued } from '../../src/server/admin/queue-change.ts';
import { status } from '../../src/server/admin/status.ts';
import { scriptedDns } from '../helpers/dns-server.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import { rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { freePort } from '../helpers/ports.ts';
import { scriptedPeer } from '../outbound/scripted-peer.ts';

/** Lines of the log, by what they say. */
function lines(office: TrialOffice, text: string): string[] {
  return office.log.split('\n').filter((line) => line.includes(text));
}

async function health(office: TrialOffice): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${office.port('health')}/health`);
  return (await response.json()) as Record<string, unknown>;
}

test('that no DNS server answers is told, and that one answers again', async (t) => {
  const port = await freePort();
  const office = await trialOffice(t, { config: `[dns]\nservers = ["127.0.0.1:${port}"]\n[outbound]\nenabled = true` });
  for (const domain of ['a.test', 'b.test', 'c.test', 'd.test']) {
    const { trouble, temporary } = await perform(checkWay, { domain, connect: false }, office);
    assert.ok(temporary, trouble ?? '');
  }
  assert.equal(lines(office, '"no DNS server answers').length, 1);
  assert.equal(await office.metric('rainmail_dns_away'), 1);
  const { server } = await perform(status, {}, office);
  assert.match(server!.alarms.join(), /^No DNS server answers/);
  assert.partialDeepStrictEqual(await health(office), { dns: { answers: false } });

  await scriptedDns(t, { host: '127.0.0.1', port });
  assert.equal((await perform(checkWay, { domain: 'e.test', connect: false }, office)).temporary, false);
  assert.equal(lines(office, '"the DNS answers again').length, 1);
  assert.equal(await office.metric('rainmail_dns_away'), 0);
  assert.partialDeepStrictEqual(await health(office), { dns: { answers: true, why: null } });
});

test('that the server of a route is away is told, and that it is back', async (t) => {
  const internet = await Internet.open(t);
  const host = internet.host('provider.test');
  const config = `[[routes]]\ndomains = ["*"]\nhost = "mx.provider.test"\nport = ${internet.port}\ntls = "opportunistic"`;
  const office = await internet.office('office.test', { config });
  const route = `mx.provider.test:${internet.port}`;
  assert.deepEqual((await health(office))['routes'], [{ route, trouble: null }]);
  const raw = 'From: anna@office.test\r\nSubject: Offer\r\n\r\nHello.\r\n';
  await office.submit({ from: 'anna@office.test', to: 'carl@shop.test', raw });
  await attempts(office, 'deferred');
  await perform(retryQueued, {}, office);
  await attempts(office, 'deferred', 2);
  await office.until(() => lines(office, '"mail can not be given to the server of a route').length > 0);
  assert.equal(lines(office, '"mail can not be given to the server of a route').length, 1);
  assert.equal(await office.metric('rainmail_route_failed'), 1);
  const { stdout } = await rainmail(['status', '--data', office.data]);
  assert.match(
    stdout,
    new RegExp(`^The server of the route ${route} takes no mail: 451 .*\\nIn the queue: 1 message`, 'm'),
  );
  assert.doesNotMatch(JSON.stringify(await health(office)), /"trouble":null/);

  await scriptedPeer(t, {}, { host, port: internet.port });
  await perform(retryQueued, {}, office);
  await attempts(office, 'sent');
  await office.until(() => lines(office, '"mail can be given to the server of a route again').length === 1);
  assert.equal(await office.metric('rainmail_route_failed'), 0);
});
