import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { Refused } from '../../src/errors.ts';
import { type CertificateOptions, Certificates } from '../../src/net/certificates.ts';
import type { Serve } from '../../src/net/connection-types.ts';
import { certificate, type Peer, silent, trialListener } from './helpers.ts';

const echo: Serve = async (connection) => {
  for (let line = await connection.line(100); line !== null; line = await connection.line(100)) {
    connection.write(`${line.toString()}\r\n`);
  }
};

async function folder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rainmail-certificates-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

async function open(
  t: TestContext,
  options: Partial<CertificateOptions> & { directory: string },
): Promise<Certificates> {
  const certificates = await Certificates.open({ files: null, names: ['mail.office.test'], log: silent, ...options });
  t.after(() => certificates.close());
  return certificates;
}

/** Certificate and key in files, replaced whole as certificate clients do. */
async function certificateFiles(t: TestContext, name: string) {
  const directory = await folder(t);
  const files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const replace = async (file: string, content: string) => {
    await writeFile(`${file}.new`, content);
    await rename(`${file}.new`, file);
  };
  const issue = async (newName: string) => {
    const { cert, key } = await certificate(newName);
    await replace(files.certificate, cert);
    await replace(files.key, key);
  };
  await issue(name);
  return { directory, files, issue, replace };
}

const nameSeen = (peer: Peer) => (peer.socket as TLSSocket).getPeerCertificate().subject.CN;

/** A log, and a promise for its next line that says so. */
function listenedLog() {
  const lines: string[] = [];
  let look: (() => void) | undefined;
  const log = pino(
    {},
    {
      write(line: string) {
        lines.push(line);
        look?.();
      },
    },
  );
  const says = async (text: string) => {
    while (!lines.some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
    lines.length = 0;
  };
  return { log, says };
}

test('without files a certificate is made, for its owner only, and kept', async (t) => {
  const directory = join(await folder(t), 'tls');
  const made = await open(t, { directory, names: ['mail.office.test', '192.0.2.1'] });
  assert.ok(made.info.selfSigned);
  for (const name of ['DNS:mail.office.test', 'DNS:localhost', 'IP Address:192.0.2.1', 'IP Address:127.0.0.1']) {
    assert.ok(made.info.names.includes(name), name);
  }
  assert.equal((await stat(join(directory, 'self-signed.pem'))).mode & 0o777, 0o600);
  const again = await open(t, { directory });
  assert.equal(again.info.fingerprint, made.info.fingerprint);
});

test('a client that was given the self-signed certificate trusts it, by any of its names', async (t) => {
  const directory = await folder(t);
  const certificates = await open(t, { directory });
  const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
  const ca = await readFile(join(directory, 'self-signed.pem'));
  for (const servername of ['mail.office.test', 'localhost']) {
    await connectTls({ ca, servername, rejectUnauthorized: true });
  }
  await assert.rejects(connectTls({ ca, servername: 'elsewhere.test', rejectUnauthorized: true }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});

test('a self-signed certificate that can not be read is made anew', async (t) => {
  const directory = await folder(t);
  await writeFile(join(directory, 'self-signed.pem'), 'half a certifi', { mode: 0o644 });
  const { info } = await open(t, { directory });
  assert.ok(info.selfSigned);
  assert.equal((await stat(join(directory, 'self-signed.pem'))).mode & 0o777, 0o600);
});

test('files that can not be used at the start are refused by name', async (t) => {
  const { directory, files, replace } = await certificateFiles(t, 'one.test');
  const refuses = (certificateFile: string, reason: RegExp) =>
    assert.rejects(open(t, { directory, files: { ...files, certificate: certificateFile } }), (error) => {
      assert.ok(error instanceof Refused && error.code === 'config.invalid');
      assert.match(error.message, reason);
      assert.ok(error.message.includes(certificateFile));
      return true;
    });
  await refuses(join(directory, 'missing.pem'), /ENOENT/);
  const { cert } = await certificate('other.test');
  await replace(join(directory, 'other.pem'), cert);
  await refuses(join(directory, 'other.pem'), /another certificate/);
});

test('a new certificate serves new connections while the open ones go on', async (t) => {
  const { directory, files, issue } = await certificateFiles(t, 'old.test');
  const certificates = await open(t, { directory, files });
  const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
  const before = await connectTls();
  assert.equal(nameSeen(before), 'old.test');

  await issue('new.test');
  assert.equal(await certificates.reload(), true);
  assert.equal(nameSeen(await connectTls()), 'new.test');
  before.send('still here\r\n');
  assert.equal(await before.until('\r\n'), 'still here\r\n');
});

test('a broken new certificate keeps the old one, and the log says so', async (t) => {
  const { directory, files, replace } = await certificateFiles(t, 'good.test');
  const { log, says } = listenedLog();
  const certificates = await open(t, { directory, files, log });
  const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
  for (const content of ['', 'no certificate', (await certificate('another.test')).cert]) {
    await replace(files.certificate, content);
    assert.equal(await certificates.reload(), false);
    await says('the old one stays');
    assert.equal(nameSeen(await connectTls()), 'good.test');
  }
});

test('files that change on the disk are seen without being told', async (t) => {
  const { directory, files, issue, replace } = await certificateFiles(t, 'first.test');
  const { log, says } = listenedLog();
  const certificates = await open(t, { directory, files, log, checkEvery: 5 });
  await replace(files.certificate, 'half written');
  await says('the old one stays');
  await issue('second.test');
  await says('CN=second.test');
  assert.equal(certificates.info.subject, 'CN=second.test');
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session is resumed with its ticket, over a reload too, with ${version}`, async (t) => {
    const { directory, files } = await certificateFiles(t, 'office.test');
    const certificates = await open(t, { directory, files });
    const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
    const limits = { minVersion: version, maxVersion: version };
    const first = await connectTls(limits);
    const tickets: Buffer[] = [];
    first.socket.on('session', (ticket: Buffer) => tickets.push(ticket));
    first.send('hello\r\n');
    await first.until('hello\r\n');
    const session = tickets.at(-1) ?? (first.socket as TLSSocket).getSession();
    assert.ok(session);
    await certificates.reload();
    const second = await connectTls({ ...limits, session });
    assert.equal((second.socket as TLSSocket).isSessionReused(), true);
  });
}
