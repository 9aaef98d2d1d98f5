/** A whole server and a real authority: what clients, the command line and the metrics see. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { perform } from '../../src/cli/perform.ts';
import { parseConfig } from '../../src/config/load.ts';
import { listAudit } from '../../src/server/admin/audit.ts';
import { renewCertificates, showCertificates } from '../../src/server/admin/certificates.ts';
import { ServerCertificates } from '../../src/server/certificates.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output, rainmail } from '../helpers/office.ts';
import { freeOffset, ServerProcess } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';
import { silent } from '../net/helpers.ts';
import { Pebble } from './pebble.ts';

/** A data directory, an authority that asks where its server will listen, and a way to start that. Undefined: a tool is missing. */
async function site(t: TestContext, settings: string) {
  const offset = await freeOffset();
  const pebble = await Pebble.start(t, { httpPort: 80 + offset, tlsPort: 443 + offset });
  if (pebble === undefined) return undefined;
  const folder = await emptyFolder(t);
  const data = join(folder, 'data');
  const config = join(folder, 'rainmail.toml');
  const listen = `[listen]\naddresses = ["127.0.0.1"]\noffset = ${offset}`;
  await writeFile(config, `name = "mail.office.test"\ndata = "${data}"\n${listen}\n${pebble.settings(settings)}`);
  const ca = join(folder, 'root.pem');
  await writeFile(ca, await pebble.root());
  const start = async () => {
    const server = ServerProcess.serve(t, '--config', config);
    await server.ready();
    return server;
  };
  return { pebble, offset, data, ca, start };
}

const came = (server: ServerProcess, times: number) =>
  server.until(() => (server.log.match(/a new certificate came/g)?.length ?? 0) >= times);

test('clients of every protocol trust the certificate that came, and open connections survive its renewal', async (t) => {
  const [openssl, curl] = [needsTool(t, 'openssl'), needsTool(t, 'curl')];
  if (openssl === undefined || curl === undefined) return;
  const at = await site(t, 'names = ["mail.office.test", ["mail.example.test", "autoconfig.example.test"]]');
  if (at === undefined) return;
  const server = await at.start();
  await came(server, 2);

  const { offset, ca, data } = at;
  const seen = (port: number, name: string, ...more: string[]) =>
    output('sh', [
      '-c',
      `${openssl} s_client -connect 127.0.0.1:${port + offset} -servername ${name} -verify_hostname ${name} -CAfile ${ca} -verify_return_error ${more.join(' ')} </dev/null 2>&1`,
    ]);
  for (const [port, ...more] of [
    [993],
    [995],
    [465],
    [443],
    [143, '-starttls', 'imap'],
    [110, '-starttls', 'pop3'],
    [25, '-starttls', 'smtp'],
    [587, '-starttls', 'smtp'],
  ] as const)
    assert.match(await seen(port, 'mail.office.test', ...more), /Verify return code: 0 \(ok\)/, `${port}`);
  assert.match(await seen(993, 'autoconfig.example.test'), /Verify return code: 0 \(ok\)/);
  const address = `https://autoconfig.example.test:${443 + offset}/nothing`;
  const page = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--cacert', ca];
  assert.equal(
    await output(curl, [...page, '--resolve', `autoconfig.example.test:${443 + offset}:127.0.0.1`, address]),
    '404',
  );
  assert.equal(
    await output(curl, [
      '-sS',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `http://127.0.0.1:${80 + offset}/.well-known/acme-challenge/x`,
    ]),
    '404',
  );

  const imap = connect({
    port: 993 + offset,
    host: '127.0.0.1',
    servername: 'mail.office.test',
    rejectUnauthorized: false,
  });
  await once(imap, 'data');
  const before = await perform(showCertificates, {}, { data });
  assert.deepEqual(
    before.map(({ name, from, main, problem }) => [name, from, main, problem]),
    [
      ['mail.office.test', 'acme', true, null],
      ['mail.example.test', 'acme', false, null],
    ],
  );
  assert.deepEqual(await perform(renewCertificates, { name: 'mail.office.test', force: true }, { data }), [
    { name: 'mail.office.test', result: 'renewed', problem: null },
  ]);
  const [entry] = (await perform(listAudit, { most: 10_000 }, { data })).slice(-1);
  assert.equal(entry?.action, 'certificate.renew');
  const after = await perform(showCertificates, {}, { data });
  assert.notEqual(after[0]!.fingerprint, before[0]!.fingerprint);
  assert.equal(after[1]!.fingerprint, before[1]!.fingerprint);
  imap.write('a NOOP\r\n');
  assert.match(String((await once(imap, 'data'))[0]), /^a OK/);
  imap.destroy();

  assert.match(
    (await rainmail(['status', '--data', data])).stdout,
    /Certificate for mail\.example\.test \(acme\): valid until 20\d\d-/,
  );
  server.signal('SIGTERM');
  assert.equal(await server.end(), 0);
});

test('a server that is killed while the authority checks its name has its certificate soon after the next start', async (t) => {
  const at = await site(t, 'challenge = "tls-alpn-01"');
  if (at === undefined) return;
  const { pebble, data, offset } = at;
  const asked = Promise.withResolvers<void>();
  pebble.dns.onQuestion = async () => asked.resolve();
  const first = await at.start();
  await asked.promise;
  await first.kill();
  const second = await at.start();
  await came(second, 1);

  // The same for the whole of its life: what is missing is told wherever an administrator may look.
  pebble.dns.missing.add('mail.office.test');
  const renewed = await rainmail(['certificate', 'renew', '--force', '--data', data, '--json']);
  assert.equal(renewed.code, 1);
  assert.deepEqual(
    JSON.parse(renewed.stdout).map(({ result }: { result: string }) => result),
    ['failed'],
  );
  const shown = await rainmail(['certificate', 'show', '--data', data]);
  assert.match(
    shown.stdout,
    /mail\.office\.test \(main\) +acme +20.*\n.*\nmail\.office\.test: mail\.office\.test: .* It is tried again at 20/s,
  );
  assert.match((await rainmail(['status', '--data', data])).stdout, /TROUBLE, tried again at/);
  const page = async (path: string) => (await fetch(`http://127.0.0.1:${9025 + offset}${path}`)).text();
  assert.match(JSON.parse(await page('/health')).certificates[0].problem, /^mail\.office\.test: /);
  const metrics = await page('/metrics');
  assert.match(metrics, /^rainmail_certificate_failed\{certificate="mail\.office\.test"\} 1$/m);
  const [, seconds] = /^rainmail_certificate_expires_in_seconds\{certificate="mail\.office\.test"\} (\S+)$/m.exec(
    metrics,
  )!;
  assert.ok(Number(seconds) > 89 * 86_400 && Number(seconds) <= 90 * 86_400);
  assert.match(second.log, /"level":"error".*no new certificate; the one in use stays/);
  assert.doesNotMatch(metrics, /where="acme"/);
  second.signal('SIGTERM');
  assert.equal(await second.end(), 0);

  const alone = await rainmail(['certificate', 'show', '--data', data]);
  assert.match(alone.stderr, /No server runs .*\n +\(server\.needed\)/);
});

test('settings that could never bring a certificate are refused at the start', async (t) => {
  const data = await emptyFolder(t);
  const refusal = (name: string, settings: string) => {
    const config = parseConfig(`[acme]\nenabled = true\nagreeToTerms = true\n${settings}`, 'rainmail.toml');
    return ServerCertificates.open({ config, data, name, log: silent, onInternalError: assert.fail });
  };
  await assert.rejects(
    refusal('mail.office.test', '[listen]\nhttp = false'),
    /answered by the service http, which is off/,
  );
  const https = 'challenge = "tls-alpn-01"\n[listen]\nhttps = false';
  await assert.rejects(refusal('mail.office.test', https), /the service https, which is off/);
  await assert.rejects(refusal('mail', ''), /can't check "mail"/);
});
