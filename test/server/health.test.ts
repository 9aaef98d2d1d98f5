import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type HealthReport, HealthServer } from '../../src/server/health.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { silent } from '../net/helpers.ts';

async function healthPage(
  t: TestContext,
  report: () => HealthReport,
  metrics: { page(): Promise<string> } = new Metrics(),
) {
  const server = await HealthServer.listen({
    addresses: [{ host: '127.0.0.1', port: 0 }],
    metrics,
    report,
    log: silent,
  });
  t.after(() => server.close());
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.addresses[0]!.port}${path}`, init);
}

const well: HealthReport = {
  status: 'ok',
  version: '0.1.0',
  uptimeSeconds: 5,
  listeners: [{ protocol: 'imap', addresses: [{ host: '127.0.0.1', port: 143 }], open: 2 }],
  store: { state: 'open' },
  backup: { configured: false },
  certificates: [],
};

test('the health page tells the state, and 503 when the server can not do its work', async (t) => {
  let report = well;
  const get = await healthPage(t, () => report);
  const response = await get('/health');
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), well);
  for (const status of ['stopping', 'failed'] as const) {
    report = { ...well, status };
    assert.equal((await get('/health')).status, 503);
  }
});

test('other pages and methods are refused', async (t) => {
  const get = await healthPage(t, () => well);
  assert.equal((await get('/')).status, 404);
  assert.equal((await get('/healthy')).status, 404);
  assert.equal((await get('/health', { method: 'POST', body: 'x' })).status, 405);
  const head = await get('/health?verbose', { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a page that can not be made is an error for its reader only', async (t) => {
  const get = await healthPage(t, () => well, {
    page: () => Promise.reject(new Error('broken')),
  });
  assert.equal((await get('/metrics')).status, 500);
  assert.equal((await get('/health')).status, 200);
});

test('a port that is taken is an error', async (t) => {
  const metrics = new Metrics();
  const options = { metrics, report: () => well, log: silent };
  const first = await HealthServer.listen({ ...options, addresses: [{ host: '127.0.0.1', port: 0 }] });
  t.after(() => first.close());
  await assert.rejects(HealthServer.listen({ ...options, addresses: first.addresses }), { code: 'EADDRINUSE' });
});

test('metrics count what happened, with labels that a client can not multiply', async (t) => {
  const metrics = new Metrics();
  const get = await healthPage(t, () => well, metrics);
  metrics.command('imap', 'FETCH', 3);
  for (let i = 0; i < 1000; i++) metrics.command('imap', `X${i}`);
  metrics.command('pop3', 'STAT');
  metrics.signIn('imap', 'failed');
  metrics.delivery('lmtp', 'delivered', 4);
  metrics.internalError('imap');
  metrics.internalError('store');
  const listener = (open: number, bytesIn: number) => ({
    protocol: { name: 'imap' },
    open,
    totals: { accepted: 10, turnedAway: 1 },
    traffic: { bytesIn, bytesOut: 7 },
  });
  metrics.watch(listener(2, 100));
  metrics.watch(listener(3, 50));

  const lines = (await (await get('/metrics')).text()).split('\n');
  for (const line of [
    'rainmail_commands_total{protocol="imap",command="FETCH"} 3',
    'rainmail_commands_total{protocol="imap",command="other"} 901',
    'rainmail_commands_total{protocol="pop3",command="STAT"} 1',
    'rainmail_sign_ins_total{protocol="imap",result="failed"} 1',
    'rainmail_deliveries_total{protocol="lmtp",result="delivered"} 4',
    'rainmail_internal_errors_total{where="imap"} 1',
    'rainmail_connections{protocol="imap"} 5',
    'rainmail_connections_total{protocol="imap"} 20',
    'rainmail_connections_turned_away_total{protocol="imap"} 2',
    'rainmail_bytes_in_total{protocol="imap"} 150',
    'rainmail_bytes_out_total{protocol="imap"} 14',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.some((line) => line.startsWith('nodejs_eventloop_lag_')));
  assert.equal(await metrics.internalErrors(), 2);
});
