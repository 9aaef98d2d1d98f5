import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import { Refused } from '../../src/errors.ts';
import { type CertificateOptions, Certificates } from '../../src/net/certificates.ts';
import type { Serve } from '../../src/net/connection-types.ts';
import fc from '../helpers/properties.ts';
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
  const certificates = await Certificates.open({ files: [], names: ['mail.office.test'], log: silent, ...options });
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
    assert.rejects(open(t, { directory, files: [{ ...files, certificate: certificateFile }] }), (error) => {
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
  const certificates = await open(t, { directory, files: [files] });
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
  const certificates = await open(t, { directory, files: [files], log });
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
  const certificates = await open(t, { directory, files: [files], log, checkEvery: 5 });
  await replace(files.certificate, 'half written');
  await says('the old one stays');
  await issue('second.test');
  await says('CN=second.test');
  assert.equal(certificates.info.subject, 'CN=second.test');
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session is resumed with its ticket, over a reload too, with ${version}`, async (t) => {
    const { directory, files } = await certificateFiles(t, 'office.test');
    const certificates = await open(t, { directory, files: [files] });
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

/** Pairs of files for several names, in one folder. */
async function pairs(t: TestContext, ...names: (readonly string[])[]) {
  const directory = await folder(t);
  const write = async (index: number, content: string) => {
    await writeFile(join(directory, `${index}.pem.new`), content);
    await rename(join(directory, `${index}.pem.new`), join(directory, `${index}.pem`));
  };
  const issue = async (index: number, list: readonly string[]) => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: list[0]! }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: list.map((value) => ({ type: 2, value })) }],
    });
    await write(index, key + cert);
  };
  for (const [index, list] of names.entries()) await issue(index, list);
  const files = names.map((_, index) => {
    const file = join(directory, `${index}.pem`);
    return { certificate: file, key: file };
  });
  return { directory, files, issue, write };
}

for (const implicitTls of [true, false]) {
  test(`a client gets the certificate with the name it asks for, ${implicitTls ? 'with TLS from the start' : 'after STARTTLS'}`, async (t) => {
    const { directory, files } = await pairs(t, ['main.test'], ['mail.office.test', 'both.test'], ['*.office.test']);
    const certificates = await open(t, { directory, files });
    const serve: Serve = async (connection) => {
      if (!implicitTls) {
        await connection.line(100);
        connection.write('go ahead\r\n');
        await connection.startTls();
      }
      await echo(connection);
    };
    const trial = await trialListener(t, { serve, certificates, implicitTls });
    const seen = async (servername?: string, maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3') => {
      const options = { maxVersion, ...(servername === undefined ? {} : { servername }) };
      if (implicitTls) return nameSeen(await trial.connectTls(options));
      const plain = await trial.connect();
      plain.send('STLS\r\n');
      await plain.until('go ahead\r\n');
      const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false, ...options });
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate().subject.CN;
    };
    assert.equal(await seen(), 'main.test');
    assert.equal(await seen('main.test'), 'main.test');
    assert.equal(await seen('mail.office.test'), 'mail.office.test');
    assert.equal(await seen('BOTH.test', 'TLSv1.2'), 'mail.office.test');
    assert.equal(await seen('imap.office.test'), '*.office.test');
    assert.equal(await seen('nobody.test'), 'main.test');
    assert.equal(await seen('x'.repeat(250)), 'main.test');
  });
}

test('one bad certificate of several does no harm to the others, at the start and later', async (t) => {
  const { directory, files, issue, write } = await pairs(t, ['main.test'], ['a.test'], ['b.test']);
  await write(1, '-----BEGIN CERTIFICATE-----\nbroken');
  const certificates = await open(t, { directory, files });
  const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
  const seen = async (servername: string) => nameSeen(await connectTls({ servername }));
  assert.equal(await seen('a.test'), 'main.test');
  assert.equal(await seen('b.test'), 'b.test');
  assert.match(certificates.states()[1]!.problem!, /PEM|BEGIN|asn1|base64/i);

  await issue(1, ['a.test']);
  await write(0, 'broken');
  await issue(2, ['c.test']);
  assert.equal(await certificates.reload(), false);
  assert.equal(await seen('main.test'), 'main.test');
  assert.equal(await seen('a.test'), 'a.test');
  assert.equal(await seen('c.test'), 'c.test');
  assert.equal(await seen('b.test'), 'main.test', 'what is no more in any certificate');
});

test('a certificate that another part keeps takes the place of the self-signed one when it comes', async (t) => {
  const directory = await folder(t);
  const late = await pairs(t, ['mail.office.test']);
  await rename(late.files[0]!.certificate, `${late.files[0]!.certificate}.away`);
  const certificates = await open(t, { directory, kept: late.files });
  const { connectTls } = await trialListener(t, { serve: echo, certificates, implicitTls: true });
  const before = await connectTls({ servername: 'mail.office.test' });
  assert.ok(certificates.info.selfSigned && certificates.states()[0]!.main);

  await late.issue(0, ['mail.office.test']);
  assert.equal(await certificates.reload(), true);
  const seen = (peer: Peer) => (peer.socket as TLSSocket).getPeerX509Certificate()!.fingerprint256;
  assert.notEqual(seen(before), certificates.info.fingerprint);
  assert.equal(seen(await connectTls({ servername: 'elsewhere.test' })), certificates.info.fingerprint);
  before.send('still here\r\n');
  assert.equal(await before.until('\r\n'), 'still here\r\n');
});

test('files of random bytes and cut PEMs are refused with a reason, and never served', async (t) => {
  const { directory, files, write } = await pairs(t, ['main.test'], ['a.test']);
  const whole = await readFile(files[1]!.certificate);
  const certificates = await open(t, { directory, files });
  let { info } = certificates.states()[1]!;
  const broken = fc.oneof(
    fc.string(),
    fc.nat(whole.length - 40).map((length) => whole.toString('latin1', 0, length)),
    fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => {
      const copy = Buffer.from(whole);
      copy[at] = byte;
      return copy.toString('latin1');
    }),
  );
  await fc.assert(
    fc.asyncProperty(broken, async (content) => {
      await write(1, content);
      const good = await certificates.reload();
      const [main, other] = certificates.states();
      assert.equal(main!.problem, null);
      assert.equal(other!.problem === null, good);
      if (!good) assert.deepEqual(other!.info, info);
      info = other!.info; // a changed byte may leave a certificate that is one, of another name or with a wrong signature
    }),
    { numRuns: Number(process.env['BROKEN_PEM_RUNS'] ?? 60) },
  );
});

test('one protocol may be answered with a certificate of its own, by name only', async (t) => {
  const { directory, files } = await pairs(t, ['main.test'], ['a.test']);
  const certificates = await open(t, { directory, files });
  const { context } = await certificate('special.test');
  const find = (name: string) => (name === 'a.test' ? context : undefined);
  const alpn = { protocols: ['http/1.1'], special: { protocol: 'acme-tls/1', find } };
  const { connectTls } = await trialListener(t, {
    serve: echo,
    certificates: { tlsOptions: () => certificates.tlsOptions(alpn) },
    implicitTls: true,
  });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const seen = async (servername: string, ...ALPNProtocols: string[]) => {
      const { socket } = await connectTls({ servername, maxVersion, ALPNProtocols });
      const tls = socket as TLSSocket;
      return [tls.getPeerCertificate().subject.CN, tls.alpnProtocol];
    };
    assert.deepEqual(await seen('a.test', 'acme-tls/1'), ['special.test', 'acme-tls/1']);
    assert.deepEqual(await seen('a.test', 'h2', 'http/1.1'), ['a.test', 'http/1.1']);
    assert.deepEqual(await seen('a.test'), ['a.test', false]);
    await assert.rejects(seen('main.test', 'acme-tls/1'), /no application protocol/);
    await assert.rejects(seen('', 'acme-tls/1'), /no application protocol/);
    await assert.rejects(seen('a.test', 'h2'), /no application protocol/);
  }
});
