import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { networks } from '../../src/config/units.ts';
import { clientOf } from '../../src/http/client.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import fc from '../helpers/properties.ts';
import type { Peer } from '../net/helpers.ts';
import { ask } from './ask.ts';
import { echo, get, trialHttp } from './trial-listener.ts';

const RUNS = Number(process.env['RAINMAIL_HTTP_RUNS'] ?? 100);
const FOREVER = 3_600_000;

/** Waits until something is as it will be: long enough on every machine. */
async function until(t: TestContext, asserted: () => void): Promise<void> {
  await t.waitFor(asserted, { interval: 5, timeout: 60_000 });
}

/** Resolves when the listener has no connection any more. */
async function allGone(t: TestContext, listener: { readonly open: number }): Promise<void> {
  await until(t, () => assert.equal(listener.open, 0));
}

test('requests on one connection are answered in order, with TLS and without', async (t) => {
  const plain = await trialHttp(t);
  const secure = await trialHttp(t, { secure: true });
  for (const peer of [await plain.connect(), await secure.connectTls({ ALPNProtocols: ['http/1.1'] })]) {
    peer.send(get('/1') + get('/2') + get('/3'));
    for (const path of ['/1', '/2', '/3']) await peer.until(`\r\n\r\nGET ${path}`);
  }
});

test('a client that says nothing, or never ends what it says, is ended', async (t) => {
  // Each time is short where it is what ends the client, and no other: a machine may need longer than that for a handshake.
  const soon = { head: 30, request: 60, idle: 30 };
  const plain = await trialHttp(t, { times: soon });
  const secure = await trialHttp(t, { secure: true, times: soon });
  const impatient = await trialHttp(t, { secure: true, times: { preparation: 30 } });
  const sparing = await trialHttp(t, { times: { idle: 30 } });
  const halves = [
    '',
    'G',
    'GET / HTTP/1.1\r\nHost: x\r\nX-',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc',
  ];
  for (const half of halves) {
    const peer = await plain.connect();
    peer.send(half);
    assert.match(await peer.untilEnd(), /^(?:HTTP\/1\.1 (?:408 Request Timeout|200 OK)\r\n.*)?$/s);
    const tls = await secure.connectTls();
    tls.send(half);
    await tls.untilEnd();
  }
  const noHandshake = await impatient.connect();
  noHandshake.send('\x16\x03\x01');
  assert.equal(await noHandshake.untilEnd(), '');
  const noMore = await sparing.connect();
  noMore.send(get('/'));
  await noMore.until('GET /');
  await noMore.untilEnd();
  for (const { listener } of [plain, secure, impatient, sparing]) await allGone(t, listener);
});

test('a client that takes nothing of its answer is ended', async (t) => {
  const much = Buffer.alloc(64 << 20);
  const { listener, connect } = await trialHttp(t, {
    times: { stalled: 50 },
    handle: (_request, response) => response.end(much),
  });
  const peer = await connect();
  peer.socket.pause();
  peer.send(get('/'));
  await until(t, () => assert.equal(listener.totals.accepted, 1));
  await allGone(t, listener);
});

test('what is no HTTP is told so, and what is too large too', async (t) => {
  const { connect, listener } = await trialHttp(t);
  const cases: [string, RegExp][] = [
    ['EHLO mail.example\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /], // without a host (RFC 9112 3.2)
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 431 /],
    [`GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(20_000)}\r\n`, /^HTTP\/1\.1 431 /],
  ];
  for (const [text, status] of cases) {
    const peer = await connect();
    peer.send(text);
    assert.match(await peer.untilEnd(), status, text.slice(0, 60));
  }
  await allGone(t, listener);
});

test('whoever sends far ahead of the answers is cut off, and nobody else', async (t) => {
  const answers: ServerResponse[] = [];
  const { connect, port } = await trialHttp(t, {
    handle: (request, response) => {
      if (request.url === '/now') echo(request, response);
      else answers.push(response);
    },
  });
  const patient = await connect();
  patient.send(get('/later').repeat(16));
  await until(t, () => assert.equal(answers.length, 16));
  const greedy = await connect();
  greedy.send(get('/later').repeat(400));
  assert.equal(await greedy.untilEnd(), '');
  assert.ok(answers.length <= 32, String(answers.length));
  assert.equal((await ask(port, '/now')).body, 'GET /now');
  for (const answer of answers) answer.end('late');
  for (let i = 0; i < 16; i++) await patient.until('\r\n\r\nlate');
});

test('a peer has so many connections and no more, until it gives one back', async (t) => {
  const limits = new ConnectionLimits({ connections: 100, byAddress: 2, byAccount: 1 });
  const { connect, listener } = await trialHttp(t, { limits });
  const [first, second] = [await connect(), await connect()];
  await until(t, () => assert.equal(listener.open, 2));
  assert.equal(await (await connect()).untilEnd(), '');
  assert.equal(listener.totals.turnedAway, 1);
  first.socket.destroy();
  await until(t, () => assert.equal(listener.open, 1));
  const third = await connect();
  for (const peer of [second, third]) {
    peer.send(get('/'));
    await peer.until('GET /');
  }
});

/** Answers with the client that the request came from. */
function who(request: IncomingMessage, response: ServerResponse): void {
  const { address, port, local } = clientOf(request);
  response.end(JSON.stringify({ address, port, local }));
}

test('behind a proxy the client is the one that the proxy names', async (t) => {
  const proxies = networks(['127.0.0.0/8']);
  const plain = await trialHttp(t, { proxies, handle: who });
  const header = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';
  const named = '{"address":"192.0.2.7","port":56324,"local":false}';
  const whole = await plain.connect();
  whole.send(header + get('/'));
  await whole.until(named);
  whole.send(get('/')); // and so for each request after it
  await whole.until(named);
  const slowly = await plain.connect();
  for (const character of header + get('/')) slowly.send(character);
  await slowly.until(named);
  const unknown = await plain.connect();
  unknown.send(`PROXY UNKNOWN\r\n${get('/')}`);
  assert.match(await unknown.until('}'), /"address":"127\.0\.0\.1".*"local":false/);

  for (const wrong of [get('/'), 'PROXY TCP4 x y 1 2\r\n', 'x'.repeat(5_000), '\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff']) {
    const peer = await plain.connect();
    peer.send(wrong);
    assert.equal(await peer.untilEnd(), '', wrong.slice(0, 20));
  }
  const gone = await plain.connect();
  gone.send('PROXY TC');
  gone.socket.end();
  assert.equal(await gone.untilEnd(), '');
});

test('a proxy passes TLS on: its header comes before the handshake', async (t) => {
  const { connect, listener } = await trialHttp(t, { proxies: networks(['127.0.0.1']), handle: who, secure: true });
  const { socket } = await connect();
  socket.removeAllListeners('data');
  socket.write('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n');
  const { connect: startTls } = await import('node:tls');
  const tls = startTls({ socket, rejectUnauthorized: false });
  tls.end(get('/'));
  const [answer] = (await once(tls.setEncoding('utf8'), 'data')) as [string];
  assert.match(answer, /"address":"192\.0\.2\.7"/);
  await allGone(t, listener);
});

test('the peer that a proxy names is counted, not the proxy', async (t) => {
  const limits = new ConnectionLimits({ connections: 100, byAddress: 1, byAccount: 1 });
  const { connect, listener } = await trialHttp(t, { limits, proxies: networks(['127.0.0.1']) });
  const peers: Peer[] = [];
  for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    const peer = await connect();
    peer.send(`PROXY TCP4 ${client} 198.51.100.1 1 2\r\n${get('/')}`);
    await peer.until('GET /');
    peers.push(peer);
  }
  const again = await connect();
  again.send(`PROXY TCP4 192.0.2.3 198.51.100.1 1 2\r\n${get('/')}`);
  assert.equal(await again.untilEnd(), '');
  for (const { socket } of peers) socket.destroy();
  await allGone(t, listener);
  assert.equal(limits.open, 0);
});

test('a client that wants another protocol than HTTP, or none of our TLS, gets no further', async (t) => {
  const { connect, connectTls, listener } = await trialHttp(t, { secure: true });
  await assert.rejects(connectTls({ ALPNProtocols: ['h2'] }), /no application protocol|alert/i);
  const plain = await connect();
  plain.send(get('/'));
  assert.doesNotMatch(await plain.untilEnd(), /HTTP/);
  await allGone(t, listener);
});

test('at the end idle connections are closed, requests under way are answered, and those that never end are cut off', async (t) => {
  const waiting = new Map<string, ServerResponse>();
  let stopped = 0;
  const { listener, connect } = await trialHttp(t, {
    times: { idle: FOREVER },
    handle: (request, response) => waiting.set(request.url!, response),
    onStopped: async () => void stopped++,
  });
  const [idle, late, never, streaming] = [await connect(), await connect(), await connect(), await connect()];
  late.send(get('/late'));
  never.send(get('/never'));
  streaming.send(get('/streaming'));
  await until(t, () => assert.equal(waiting.size, 3));
  waiting.get('/streaming')!.write('first ');
  await streaming.until('first ');
  const stopping = listener.stop(2_000);
  assert.equal(await idle.untilEnd(), '');
  waiting.get('/late')!.end('here it is');
  waiting.get('/streaming')!.end('last');
  assert.match(await late.untilEnd(), /^HTTP\/1\.1 200 OK\r\n.*here it is$/s);
  assert.match(await streaming.untilEnd(), /last/);
  await assert.rejects(connect(), { code: 'ECONNREFUSED' });
  await stopping;
  assert.equal(await never.untilEnd(), '');
  assert.deepEqual([listener.open, stopped], [0, 1]);
});

test('whatever bytes come, the listener goes on, and no connection stays', async (t) => {
  const { listener, connect, port } = await trialHttp(t, { times: { head: 500, request: 500, idle: 500 } });
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        'GET ',
        '/',
        ' HTTP/1.1',
        '\r\n',
        '\n',
        'Host: x\r\n',
        'Content-Length: 3\r\n',
        'Transfer-Encoding: chunked\r\n',
      ],
      ...[
        'Connection: keep-alive\r\n',
        'Connection: Upgrade\r\nUpgrade: h2c\r\n',
        'Expect: 100-continue\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      ],
      ...[
        '5\r\nabcde\r\n',
        '0\r\n\r\n',
        'CONNECT x:1 HTTP/1.1\r\n',
        get('/'),
        'POST / HTTP/1.1\r\nHost: x\r\n',
        '\0',
        ': ',
      ],
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const conversation = async (pieces: readonly string[]) => {
    const peer = await connect();
    for (const one of pieces) peer.send(Buffer.from(one));
    peer.socket.end();
    await peer.untilEnd();
  };
  const talk = fc.array(piece, { maxLength: 12 });
  const atOnce = fc.asyncProperty(fc.array(talk, { minLength: 20, maxLength: 20 }), async (talks) => {
    await Promise.all(talks.map(conversation));
  });
  await fc.assert(atOnce, { numRuns: Math.ceil(RUNS / 20) });
  assert.equal((await ask(port, '/still-there')).body, 'GET /still-there');
  await allGone(t, listener);
});
