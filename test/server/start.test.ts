import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOffice } from '../../src/server/office.ts';
import { rainmailProcess } from '../helpers/command-line.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output, rainmail, trialOffice } from '../helpers/office.ts';
import { freeOffset, ServerProcess } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';

test('the first start makes a trial office, and the curl lines it prints work as they are', async (t) => {
  if (needsTool(t, 'curl') === undefined) return;
  const data = join(await emptyFolder(t), 'data');
  const server = ServerProcess.serve(t, '--data', data, '--port-offset', String(await freeOffset()));
  await server.ready();

  const lines = server.out.split('\n').filter((line) => /^ {2}(printf|curl) /.test(line));
  assert.equal(lines.length, 3, server.out);
  await output('sh', ['-c', lines[0]!]);
  for (const line of lines.slice(1))
    assert.match(await output('sh', ['-c', line]), /Subject: Lunch\?\r\n(.*\r\n)*\r\nAt noon\?\r\n/);

  server.signal('SIGTERM');
  assert.equal(await server.end(), 0);
});

test('passwords of the trial office go to a file that only its owner can read when there is no terminal', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const server = ServerProcess.serve(t, '--data', data, '--port-offset', String(await freeOffset()));
  await server.ready();

  const passwords = (await readFile(join(data, 'trial-passwords.txt'), 'utf8')).trim().split('\n');
  assert.deepEqual(
    passwords.map((line) => line.split(' ')[0]),
    ['anna@office.test', 'ben@office.test', 'carla@office.test', 'dora@office.test'],
  );
  for (const line of passwords)
    assert.ok(!server.out.includes(line.split(' ')[1]!) && !server.log.includes(line.split(' ')[1]!));
  for (const name of ['trial-passwords.txt', 'trial.netrc', 'mail.db', 'admin.sock', 'self-signed.pem']) {
    assert.equal((await stat(join(data, name))).mode & 0o077, 0, name);
  }
  assert.equal((await stat(data)).mode & 0o777, 0o700);
});

test('a trial office listens on loopback only and takes no real domain', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const server = ServerProcess.serve(t, '--data', data, '--port-offset', String(await freeOffset()));
  await server.ready();

  const status = JSON.parse((await rainmail(['status', '--data', data, '--json'])).stdout);
  assert.ok(status.trial);
  for (const { address } of status.server.listening) assert.ok(address === '127.0.0.1' || address === '::1', address);
  const { code, stderr } = await rainmail(['domain', 'add', 'rainmail.example.com.fj', '--data', data]);
  assert.equal(code, 1);
  assert.match(stderr, /trial/);
});

test('a trial office whose making was interrupted is completed by the next start', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const office = await openOffice({ data, create: true, command: 'test' });
  await office.directory.by('the test').startTrial();
  await office.directory
    .by('the test')
    .accounts.add({ address: 'anna@office.test', password: 'nobody knows it', makeDomain: true });
  await office.close();

  const server = ServerProcess.serve(t, '--data', data, '--port-offset', String(await freeOffset()));
  await server.ready();

  const { stdout } = await rainmail(['account', 'list', '--data', data, '--json']);
  assert.equal(JSON.parse(stdout).length, 4);
  assert.match(await readFile(join(data, 'trial-passwords.txt'), 'utf8'), /^anna@office\.test \S+\nben@/);
});

test('a port that is taken is named, with what to do', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const port = (taken.address() as { port: number }).port;
  const folder = await emptyFolder(t);
  await writeFile(
    join(folder, 'rainmail.toml'),
    `[listen]\naddresses = ["127.0.0.1:0"]\npop3 = ["127.0.0.1:${port}"]\nlmtp = false\nhealth = false\n`,
  );

  const { code, stdout, stderr } = await rainmailProcess(['serve', '--config', join(folder, 'rainmail.toml')]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(
      `Port ${port} on 127\\.0\\.0\\.1 \\(POP3.*is taken by another program.*--port-offset 10000.*\n *\\(listen\\.failed\\)`,
    ),
  );
  assert.doesNotMatch(stdout, /ready/);
});

test('a data directory that another server has open names its owner', async (t) => {
  const office = await trialOffice(t);
  const { code, stderr } = await rainmailProcess(['serve', '--data', office.data, '--config', office.config]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`is in use by “rainmail serve” \\(process ${office.pid},(.*\n)*.*\\(store\\.locked\\)`),
  );
});

test('mistakes of the configuration are told before anything is opened', async (t) => {
  const folder = await emptyFolder(t);
  await writeFile(join(folder, 'rainmail.toml'), '[limits]\nmesage = "5MB"\n[timeouts]\nimap = "soon"\n');
  const { code, stderr } = await rainmailProcess([
    'serve',
    '--config',
    join(folder, 'rainmail.toml'),
    '--data',
    join(folder, 'data'),
  ]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /rainmail\.toml:2: limits\.mesage: .*Did you mean message\?\n.*rainmail\.toml:4: timeouts\.imap: /,
  );
  await assert.rejects(stat(join(folder, 'data')));
});

test('a second signal ends the server at once, though a session is still open', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const offset = await freeOffset();
  const server = ServerProcess.serve(t, '--data', data, '--port-offset', String(offset));
  await server.ready();
  const client = connect(offset + 24, '127.0.0.1'); // LMTP
  t.after(() => client.destroy());
  client.on('error', () => {});
  await once(client, 'data');
  client.write('LHLO test\r\nMAIL FROM:<>\r\nRCPT TO:<anna@office.test>\r\nDATA\r\n');
  for (let heard = ''; !heard.includes('354'); ) heard += String((await once(client, 'data'))[0]);

  server.signal('SIGTERM');
  await server.until(() => server.log.includes('"msg":"stopping"'));
  server.signal('SIGTERM');
  assert.ok([0, 143].includes((await server.end())!)); // 0: the first was quicker
});

test('SIGHUP reads the certificates anew', async (t) => {
  const office = await trialOffice(t);
  process.kill(office.pid, 'SIGHUP');
  await office.until(() => office.log.includes('the certificate was loaded'));
});

test('the health page tells that all is well, and the metrics count what happened', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  await office.deliver({ to: 'anna' });
  const health = await fetch(`http://127.0.0.1:${office.port('health')}/health`);
  assert.equal(health.status, 200);
  assert.equal(((await health.json()) as { status: string }).status, 'ok');
  assert.ok((await office.metric('rainmail_commands_total')) >= 5);
  assert.equal(await office.metric('rainmail_internal_errors_total'), 0);
});
