/** Certificates from a real authority, by the parts that order and renew them; time goes on as the test says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { HttpChallenges, TlsAlpnChallenges } from '../../src/acme/challenges.ts';
import { CertificateKeeper, type KeeperOptions } from '../../src/acme/keeper.ts';
import { AcmeState } from '../../src/acme/state.ts';
import { Refused } from '../../src/errors.ts';
import { Certificates } from '../../src/net/certificates.ts';
import { keepSelfSigned } from '../../src/net/self-signed.ts';
import { defer } from '../helpers/defer.ts';
import { emptyFolder } from '../helpers/folder.ts';
import fc from '../helpers/properties.ts';
import { silent } from '../net/helpers.ts';
import { Pebble, type PebbleOptions } from './pebble.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Where the checks of the authority are answered, as the services http and https do. */
class Site {
  readonly http = new HttpChallenges();
  readonly tls = new TlsAlpnChallenges();
  certificates: Certificates | undefined;
  httpPort = 0;
  tlsPort = 0;

  static async open(t: TestContext): Promise<Site> {
    const site = new Site();
    const http = createHttpServer((request, response) => {
      const token = /^\/\.well-known\/acme-challenge\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? '';
      const answer = site.http.answer(token);
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    const tls = createServer((socket) => {
      const options = site.certificates!.tlsOptions({ protocols: ['http/1.1'], special: site.tls });
      const secured = new TLSSocket(socket, { ...options, isServer: true });
      secured.on('error', () => {}).on('secure', () => secured.end());
    });
    for (const server of [http, tls]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      defer(t, () => server.close());
    }
    site.httpPort = (http.address() as AddressInfo).port;
    site.tlsPort = (tls.address() as AddressInfo).port;
    return site;
  }
}

/** An authority, and where it asks; undefined: it is not installed. */
async function authority(t: TestContext, options: Partial<PebbleOptions> = {}) {
  const site = await Site.open(t);
  const pebble = await Pebble.start(t, { httpPort: site.httpPort, tlsPort: site.tlsPort, ...options });
  return pebble === undefined ? undefined : { site, pebble };
}

type Settings = Partial<
  Pick<KeeperOptions, 'groups' | 'challenge' | 'contact' | 'eabKeyId' | 'eabKeyFile' | 'caFile' | 'directory'>
>;

/** A server's certificates on a data directory, at a time that goes on with `at`. */
async function keep(
  t: TestContext,
  { site, pebble }: { site: Site; pebble: Pick<Pebble, 'directory' | 'caFile'> },
  data: string,
  settings: Settings = {},
) {
  const groups = settings.groups ?? [['mail.office.test']];
  const state = new AcmeState(data);
  const certificates = await Certificates.open({
    files: [],
    kept: groups.map(([name]) => state.files(name!)),
    directory: data,
    names: ['mail.office.test'],
    log: silent,
  });
  site.certificates = certificates;
  const time = { passed: 0 };
  const faults: unknown[] = [];
  const keeper = await CertificateKeeper.open({
    directory: pebble.directory,
    contact: ['postmaster@office.test'],
    challenge: 'http-01',
    eabKeyId: '',
    eabKeyFile: '',
    caFile: pebble.caFile,
    ...settings,
    groups,
    challenges: site,
    certificates,
    state,
    log: silent,
    onInternalError: () => faults.push(true),
    clock: () => Date.now() + time.passed,
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await keeper.close();
    certificates.close();
  };
  defer(t, async () => {
    await close();
    assert.deepEqual(faults, []);
  });
  /** What the server does at its start and every minute, at this time from now. */
  const at = async (passed: number) => {
    time.passed = passed;
    await keeper.look();
    return keeper.states();
  };
  return { keeper, certificates, state, at, close };
}

type Story = (t: TestContext, ca: { readonly site: Site; readonly pebble: Pebble }) => Promise<void>;
const stories: [name: string, story: Story][] = [];

/** A test with the authority that all of them share. */
function story(name: string, run: Story): void {
  stories.push([name, run]);
}

const fingerprints = (certificates: Certificates) => certificates.states().map(({ info }) => info?.fingerprint);

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  story(
    `certificates for several names come by ${challenge}, and are renewed when a third of their time is left`,
    async (t, ca) => {
      const data = await emptyFolder(t);
      const groups = [['mail.office.test', 'imap.office.test'], ['mail.example.test']];
      const { certificates, at } = await keep(t, ca, data, { challenge, groups });
      assert.ok(certificates.info.selfSigned, 'while there is none');
      if (challenge === 'tls-alpn-01') {
        // The certificate in use may have a key of another kind than the one that answers the check.
        const { cert, private: key } = await generate([{ name: 'commonName', value: 'mail.office.test' }], {
          keyType: 'rsa',
          keySize: 2048,
        });
        await writeFile(join(data, 'self-signed.pem'), key + cert);
        await certificates.reload();
      }

      const [first, second] = await at(0);
      assert.deepEqual([first!.problem, second!.problem], [null, null]);
      const [office, example] = certificates.states();
      assert.equal(office!.info!.names, 'DNS:mail.office.test, DNS:imap.office.test');
      assert.equal(example!.info!.names, 'DNS:mail.example.test');
      assert.ok(office!.main);
      const chain = await readFile(join(data, 'acme-mail.office.test.pem'), 'utf8');
      assert.equal(chain.match(/BEGIN CERTIFICATE/g)?.length, 2, 'with the one in between');
      for (const file of await readdir(data)) assert.equal((await stat(join(data, file))).mode & 0o077, 0, file);

      const before = fingerprints(certificates);
      const left = Math.min(first!.renewal!, second!.renewal!) - Date.now();
      assert.ok(left > 55 * DAY && left < 60.1 * DAY, 'of ninety days');
      await at(left - HOUR);
      assert.deepEqual(fingerprints(certificates), before);
      await at(60.1 * DAY);
      const after = fingerprints(certificates);
      assert.ok(after[0] !== before[0] && after[1] !== before[1]);
      await at(61 * DAY);
      assert.deepEqual(
        fingerprints(certificates),
        after,
        'not every minute, although by our time they are as old as those before',
      );
      assert.equal(ca.site.http.size + ca.site.tls.size, 0, 'nothing is offered any more');
    },
  );
}

story(
  'a name that fails its check holds up no other certificate, and is tried again ever more rarely, over restarts too',
  async (t, ca) => {
    const data = await emptyFolder(t);
    ca.pebble.dns.missing.add('gone.office.test');
    const groups = [['gone.office.test'], ['mail.office.test']];
    const first = await keep(t, ca, data, { groups });
    const [gone, mail] = await first.at(0);
    assert.match(gone!.problem!.text, /^gone\.office\.test: .*could not resolve/);
    assert.equal(mail!.problem, null);
    assert.ok(first.certificates.info.selfSigned, 'the main one is missing');
    assert.equal(first.certificates.states()[2]!.info!.names, 'DNS:mail.office.test');

    const tries: number[] = [];
    let known = gone!.problem!.at;
    for (let minute = 1; minute <= 240; minute++) {
      const at = (await first.at(minute * 60_000))[0]!.problem!.at;
      if (at !== known) tries.push(minute);
      known = at;
    }
    assert.ok(tries.length >= 2 && tries.length <= 4, `again after ${tries.join(', ')} minutes`);
    assert.ok(tries[0]! >= 20);
    await first.close();

    const second = await keep(t, ca, data, { groups });
    const [waiting] = await second.at(241 * 60_000);
    assert.equal(waiting!.problem!.at, known, 'a restart does not shorten the wait');
    ca.pebble.dns.missing.clear();
    const [there] = await second.at(waiting!.retryAt! - Date.now() + 1_000);
    assert.equal(there!.problem, null);
    assert.equal(second.certificates.info.names, 'DNS:gone.office.test');
  },
);

story('by hand it is tried at once, but no more than an authority bears', async (t, ca) => {
  ca.pebble.dns.missing.add('mail.office.test');
  const { keeper, at } = await keep(t, ca, await emptyFolder(t));
  await at(0);
  const { signal } = new AbortController();
  for (let tries = 2; tries <= 4; tries++) assert.equal((await keeper.renew(null, false, signal))[0]!.result, 'failed');
  await assert.rejects(
    keeper.renew('mail.office.test', true, signal),
    (error) => error instanceof Refused && error.code === 'acme.wait' && /4 times/.test(error.message),
  );
  await assert.rejects(keeper.renew('other.test', true, signal), { code: 'directory.missing' });
  ca.pebble.dns.missing.clear();
  await at(61 * 60_000);
  assert.equal((await keeper.renew(null, false, signal))[0]!.result, 'renewed');
  assert.equal((await keeper.renew(null, false, signal))[0]!.result, 'not-due');
  assert.equal((await keeper.renew('mail.office.test', true, signal))[0]!.result, 'renewed');
});

story('a name that is added makes a new certificate, and another authority too', async (t, ca) => {
  const data = await emptyFolder(t);
  const one = await keep(t, ca, data);
  await one.at(0);
  const before = one.certificates.info.fingerprint;
  await one.close();

  const two = await keep(t, ca, data, { groups: [['mail.office.test', 'pop.office.test']] });
  assert.equal(two.certificates.info.fingerprint, before, 'in use until the new one is there');
  await two.at(0);
  assert.equal(two.certificates.info.names, 'DNS:mail.office.test, DNS:pop.office.test');
  await two.close();

  const fewer = await keep(t, ca, data);
  await fewer.at(0);
  assert.equal(fewer.certificates.info.fingerprint, two.certificates.info.fingerprint, 'one name less is no hurry');
  await fewer.close();

  const another = (await authority(t))!;
  const three = await keep(t, another, data);
  await three.at(0);
  assert.notEqual(three.certificates.info.issuer, two.certificates.info.issuer);
});

story(
  'while the authority is down the certificate in use stays; it is asked again soon, and then it may have forgotten us',
  async (t, ca) => {
    const { certificates, at } = await keep(t, ca, await emptyFolder(t));
    await at(0);
    const before = certificates.info.fingerprint;
    await ca.pebble.stop();
    const [down] = await at(61 * DAY);
    assert.match(down!.problem!.text, /can't be reached/);
    const wait = down!.retryAt! - down!.problem!.at;
    assert.ok(wait >= 60_000 && wait < 90_000, `${wait}`);
    assert.equal(certificates.info.fingerprint, before);

    await ca.pebble.again();
    assert.equal((await at(61 * DAY + 2 * 60_000))[0]!.problem, null);
    assert.notEqual(certificates.info.fingerprint, before);
  },
);

story('an authority that refuses a name, or is not to be trusted, is told to the administrator', async (t, ca) => {
  const refused = await keep(t, ca, await emptyFolder(t), { groups: [['mail.blocked.test']] });
  assert.match((await refused.at(0))[0]!.problem!.text, /^The authority says: .*blocked\.test/);
  await refused.close();
  const untrusted = await keep(t, ca, await emptyFolder(t), { caFile: '' });
  assert.match((await untrusted.at(0))[0]!.problem!.text, /can't be reached: self-signed certificate/);
});

test('an account is bound to one outside where the authority asks for it', async (t) => {
  const hmac = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  const ca = await authority(t, { binding: ['kid-1', hmac] });
  if (ca === undefined) return;
  const folder = await emptyFolder(t);
  const eabKeyFile = join(folder, 'hmac');
  await writeFile(eabKeyFile, `${hmac}\n`);
  const without = await keep(t, ca, await emptyFolder(t));
  assert.match((await without.at(0))[0]!.problem!.text, /externalAccountBinding/);
  await without.close();
  const bound = await keep(t, ca, await emptyFolder(t), { eabKeyId: 'kid-1', eabKeyFile });
  assert.equal((await bound.at(0))[0]!.problem, null);
});

story('an order that was broken off is gone on with, and the account is one for ever', async (t, ca) => {
  const data = await emptyFolder(t);
  const accounts = () => ca.pebble.log.match(/There are now \d+ accounts/g)?.length ?? 0;
  const accountsBefore = accounts();
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  ca.pebble.dns.onQuestion = () => {
    asked.resolve();
    return goOn.promise;
  };
  const first = await keep(t, ca, data);
  const broken = first.at(0);
  await asked.promise;
  await first.close();
  await assert.rejects(broken, { name: 'AbortError' });
  const stateFile = join(data, 'acme-mail.office.test.json');
  const left = await readFile(stateFile, 'utf8');
  assert.match(JSON.parse(left).order.url, /^https:/);
  goOn.resolve();

  const second = await keep(t, ca, data);
  assert.equal((await second.at(0))[0]!.problem, null);
  assert.equal(JSON.parse(await readFile(stateFile, 'utf8')).order, null);
  assert.equal(second.certificates.info.names, 'DNS:mail.office.test');

  // As if the next one had died when the authority had signed, before the certificate was fetched.
  let underWay = '';
  ca.pebble.dns.onQuestion = async () => {
    underWay = await readFile(stateFile, 'utf8');
  };
  await second.keeper.renew(null, true, new AbortController().signal);
  const { fingerprint } = second.certificates.info;
  await second.close();
  await rm(join(data, 'acme-mail.office.test.pem'));
  await writeFile(stateFile, underWay);
  const third = await keep(t, ca, data);
  assert.equal((await third.at(0))[0]!.problem, null);
  assert.equal(third.certificates.info.fingerprint, fingerprint, 'the same, and not one more');
  assert.equal(accounts() - accountsBefore, 1);
});

story('files of the state that are damaged are as good as none', async (t, ca) => {
  const data = await emptyFolder(t);
  for (const name of ['acme-account.json', 'acme-mail.office.test.json', 'acme-mail.office.test.pem'])
    await writeFile(join(data, name), '{"directory": 4');
  const { certificates, at } = await keep(t, ca, data);
  assert.ok(certificates.info.selfSigned);
  assert.equal((await at(0))[0]!.problem, null);
  assert.equal(certificates.info.selfSigned, false);
});

test('an authority that answers nonsense is a problem to tell, and no fault of ours', async (t) => {
  const folder = await emptyFolder(t);
  const caFile = join(folder, 'ca.pem');
  await keepSelfSigned(caFile, ['localhost']);
  const pem = await readFile(caFile);
  let nonsense: Record<string, unknown> = {};
  const server = createHttpsServer({ key: pem, cert: pem }, (request, response) => {
    const path = request.url!.slice(1);
    const url = (name: string) => `https://localhost:${port}/${name}`;
    const directory = { newNonce: url('nonce'), newAccount: url('account'), newOrder: url('order') };
    const sound: Record<string, unknown> = {
      dir: directory,
      order: { status: 'pending', finalize: url('finalize'), authorizations: [url('authorization')] },
    };
    request.resume();
    response.writeHead(path === 'account' || path === 'order' ? 201 : 200, {
      'replay-nonce': 'AAAA',
      location: url(path),
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(nonsense[path] ?? sound[path] ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  defer(t, () => server.close());
  const { port } = server.address() as AddressInfo;
  const ca = { site: new Site(), pebble: { directory: `https://localhost:${port}/dir`, caFile } };
  const body = fc.jsonValue();
  const where = fc.constantFrom('dir', 'account', 'order', 'authorization');
  await fc.assert(
    fc.asyncProperty(where, body, async (path, value) => {
      nonsense = { [path]: value };
      const { at, close } = await keep(t, ca, await emptyFolder(t));
      assert.ok((await at(0))[0]!.problem);
      await close();
    }),
    { numRuns: Number(process.env['ACME_NONSENSE_RUNS'] ?? 15) },
  );
});

test('certificates from a real authority', async (t) => {
  const ca = await authority(t, { refuses: ['blocked.test'] });
  if (ca === undefined) return;
  for (const [name, run] of stories) {
    ca.pebble.dns.missing.clear();
    ca.pebble.dns.onQuestion = async () => {};
    await t.test(name, (inner) => run(inner, ca));
  }
});
