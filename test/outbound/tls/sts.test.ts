/** Policies of domains, fetched over real HTTPS from port 443 of loopback addresses. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { Resolver } from '../../../src/dns/resolver.ts';
import { Sts } from '../../../src/outbound/tls/sts.ts';
import { type Milliseconds, nowSeconds } from '../../../src/store/ids.ts';
import type { MailStore } from '../../../src/store/store.ts';
import { Authority, type Certificate, trustedAuthority } from '../../helpers/authority.ts';
import { defer } from '../../helpers/defer.ts';
import { type ScriptedDns, scriptedDns } from '../../helpers/dns-server.ts';
import { ownAddress } from '../../helpers/ports.ts';
import { openStore, temporaryFolder } from '../../store/helpers.ts';

const DAY = 86_400;
const mayListen = process.getuid?.() === 0 ? {} : { skip: 'only root may listen on port 443' };

const authority = await trustedAuthority();

function policy(mode: string, { mx = 'mx.example.net', age = 7 * DAY } = {}): string {
  return ['version: STSv1', `mode: ${mode}`, `mx: ${mx}`, `max_age: ${age}`, ''].join('\r\n');
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const text =
  (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'Content-Type': 'text/plain', ...headers }).end(body);

/** A server that asks for policies, and the web that has them. */
class PolicyRoom {
  readonly dns: ScriptedDns;
  readonly faults: unknown[] = [];
  store!: MailStore;
  sts!: Sts;
  readonly #t: TestContext;
  readonly #folder: string;

  private constructor(t: TestContext, dns: ScriptedDns, folder: string) {
    this.#t = t;
    this.dns = dns;
    this.#folder = folder;
  }

  static async open(t: TestContext): Promise<PolicyRoom> {
    const folder = await temporaryFolder(t);
    const room = new PolicyRoom(t, await scriptedDns(t), folder);
    await room.start();
    defer(t, () => assert.deepEqual(room.faults, []));
    return room;
  }

  /**
   * The server starts, once more perhaps: it knows what is in its database.
   * @param within  for a question and for a fetch: long enough on every machine, or short for who never answers
   */
  async start(within: Milliseconds = 20_000): Promise<void> {
    await this.store?.close();
    this.store = await openStore(this.#t, this.#folder);
    const resolver = new Resolver({ servers: [this.dns.server], validating: false, timeout: within });
    this.sts = new Sts({
      resolver,
      kept: this.store.stsPolicies,
      log: pino({ level: 'silent' }),
      onInternalError: (error) => this.faults.push(error),
      timeout: within,
    });
  }

  /** A domain with a policy: its record in the DNS, and the server that has it. */
  async domain(name: string, id: string, answer: Answer, certificate?: Certificate): Promise<Policies> {
    const address = ownAddress();
    this.dns.say('TXT', `_mta-sts.${name}`, `v=STSv1; id=${id};`);
    this.dns.say('A', `mta-sts.${name}`, address);
    const served = new Policies(answer);
    const tls = certificate ?? (await authority.issue([`mta-sts.${name}`]));
    const server = createServer(tls, (request, response) => served.serve(request, response));
    server.listen(443, address);
    await once(server, 'listening');
    defer(this.#t, () => {
      server.closeAllConnections();
      server.close();
    });
    return served;
  }

  /** What holds for a domain, in short. */
  async holds(domain: string): Promise<string> {
    const found = await this.sts.of(domain);
    return found === undefined ? 'none' : `${found.mode} ${found.id}`;
  }
}

class Policies {
  answer: Answer;
  readonly asked: string[] = [];

  constructor(answer: Answer) {
    this.answer = answer;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${request.headers.host}${request.url}`);
    this.answer(request, response);
  }
}

test('a policy is fetched once, and again when the DNS names another', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const served = await room.domain('example.net', 'a', text(policy('enforce')));
  assert.deepEqual(await Promise.all([room.holds('example.net'), room.holds('example.net')]), [
    'enforce a',
    'enforce a',
  ]);
  assert.equal(await room.holds('example.net'), 'enforce a');
  assert.deepEqual(served.asked, ['mta-sts.example.net/.well-known/mta-sts.txt']);
  assert.deepEqual((await room.sts.of('example.net'))!.mx, ['mx.example.net']);

  served.answer = text(policy('testing'));
  room.dns.say('TXT', '_mta-sts.example.net', 'v=STSv1; id=b;');
  await room.start(); // whose resolver asks anew
  assert.equal(await room.holds('example.net'), 'testing b');
  assert.equal(served.asked.length, 2);
});

test('after a start it still holds, whatever is kept from us meanwhile', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const served = await room.domain('example.net', 'a', text(policy('enforce')));
  assert.equal(await room.holds('example.net'), 'enforce a');
  for (const said of ['SERVFAIL', 'NXDOMAIN', 'silence'] as const) {
    room.dns.zone.set('TXT _mta-sts.example.net', said);
    await room.start(said === 'silence' ? 1_000 : undefined);
    assert.equal(await room.holds('example.net'), 'enforce a', said);
  }
  room.dns.say('TXT', '_mta-sts.example.net', 'v=STSv1; id=b;');
  served.answer = text('gone', 404);
  await room.start();
  assert.equal(await room.holds('example.net'), 'enforce a', 'a newer one that can not be fetched');
});

test('a policy that has expired is forgotten', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const now = nowSeconds();
  const old = { id: 'a', mode: 'enforce', mx: ['mx.example.net'] } as const;
  await room.store.stsPolicies.keep('example.net', { ...old, fetched: now - DAY, expires: now });
  assert.equal(await room.holds('example.net'), 'none');
});

test('a policy that is a day old holds on while it is fetched anew', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const served = await room.domain('example.net', 'a', text(policy('enforce', { age: 30 * DAY })));
  const now = nowSeconds();
  const old = { id: 'a', mode: 'enforce', mx: ['mx.example.net'], fetched: now - 2 * DAY, expires: now + DAY } as const;
  await room.store.stsPolicies.keep('example.net', old);
  assert.equal((await room.sts.of('example.net'))!.expires, now + DAY);
  while ((await room.store.stsPolicies.of('example.net'))!.expires === old.expires) await turn();
  assert.equal(served.asked.length, 1);
  assert.ok((await room.sts.of('example.net'))!.expires > now + 29 * DAY);
});

test('what is no policy is none: mail goes as if there were nothing', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const good = policy('enforce');
  const answers: Readonly<Record<string, Answer>> = {
    'not found': text(good, 404),
    'an error': text(good, 500),
    elsewhere: text(good, 301, { Location: 'https://mta-sts.good.test/.well-known/mta-sts.txt' }),
    'a page': text(good, 200, { 'Content-Type': 'text/html' }),
    'too large': text(good + 'x'.repeat(70_000)),
    endless: (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      const more = () => response.writable && response.write('mx: mx.example.net\r\n'.repeat(1_000), () => more());
      more();
    },
    'no version': text('mode: enforce\r\nmx: mx.example.net\r\nmax_age: 100\r\n'),
    'no hosts': text('version: STSv1\r\nmode: enforce\r\nmax_age: 100\r\n'),
    nonsense: text('\0\xff'),
    'cut off': (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': '1000' }).write(good);
      setImmediate(() => response.destroy());
    },
  };
  await room.domain('good.test', 'a', text(good));
  assert.equal(await room.holds('good.test'), 'enforce a');
  for (const [number, [what, answer]] of Object.entries(answers).entries()) {
    await room.domain(`bad${number}.test`, 'a', answer);
    assert.equal(await room.holds(`bad${number}.test`), 'none', what);
  }

  await room.start(1_500);
  await room.domain('silent.test', 'a', () => {});
  assert.equal(await room.holds('silent.test'), 'none', 'silence');
  await room.start();

  await room.domain('other.test', 'a', text(good), await authority.issue(['other.test']));
  assert.equal(await room.holds('other.test'), 'none', 'a certificate of another name');
  const stranger = await (await Authority.make('Nobody')).issue(['mta-sts.strange.test']);
  await room.domain('strange.test', 'a', text(good), stranger);
  assert.equal(await room.holds('strange.test'), 'none', 'a certificate of an unknown authority');
  await room.domain('none.test', 'a', text(policy('none')));
  assert.equal(await room.holds('none.test'), 'none');

  await room.domain('two.test', 'a', text(good));
  room.dns.say('TXT', '_mta-sts.two.test', 'v=STSv1; id=a;', 'v=STSv1; id=b;');
  assert.equal(await room.holds('two.test'), 'none', 'two records');
  room.dns.say('TXT', '_mta-sts.nowhere.test', 'v=STSv1; id=a;');
  assert.equal(await room.holds('nowhere.test'), 'none', 'a policy nowhere');
  assert.equal(await room.holds('unheard-of.test'), 'none');
});

test('a fetch that failed is not tried again with every message', mayListen, async (t) => {
  const room = await PolicyRoom.open(t);
  const served = await room.domain('example.net', 'a', text('', 500));
  assert.equal(await room.holds('example.net'), 'none');
  assert.equal(await room.holds('example.net'), 'none');
  assert.equal(served.asked.length, 1);
});
