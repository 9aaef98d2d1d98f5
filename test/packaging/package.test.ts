import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { emptyFolder } from '../helpers/folder.ts';
import { output } from '../helpers/office.ts';
import { freeOffset, ServerProcess } from '../helpers/server-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** This Node first, whatever else the machine has. */
const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);

test('the package packs, installs from its tarball into an empty folder, and runs', async (t) => {
  const folder = await emptyFolder(t);
  const env = { ...process.env, PATH: path };
  await output('npm', ['pack', '--pack-destination', folder], { cwd: root, env });
  const [tarball] = await readdir(folder);
  const app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), '{ "private": true }');
  try {
    // Without install scripts: all they would do is to fetch another copy of this Node.
    await output('npm', ['install', '--prefer-offline', '--ignore-scripts', join(folder, tarball!)], { cwd: app, env });
  } catch (error) {
    if (!/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED/.test(String(error))) throw error;
    t.skip('the npm registry can not be reached');
    return;
  }

  const packed = await readdir(join(app, 'node_modules/rainmail'));
  assert.ok(!packed.includes('src') && !packed.includes('test'), packed.join(' '));
  const offset = String(await freeOffset());
  const server = new ServerProcess('npx', ['rainmail', 'serve', '--port-offset', offset], { cwd: app, env });
  t.after(() => server.kill());
  await server.ready();
  const status = JSON.parse(await output('npx', ['rainmail', 'status', '--json'], { cwd: app, env }));
  assert.equal(status.accounts, 4);
  process.kill(status.server.pid, 'SIGTERM');
  assert.equal(await server.end(), 0);
  assert.match(server.log, /"msg":"stopped"/);
});

test('bin/rainmail takes the Node that npm installed beside it when the machine has only an old one', async (t) => {
  const { folder, old } = await machineWithOldNode(t);
  const modules = join(folder, 'node_modules');
  for (const part of ['node/bin', '.bin', 'rainmail/bin', 'rainmail/dist'])
    await mkdir(join(modules, part), { recursive: true });
  await symlink(process.execPath, join(modules, 'node/bin/node'));
  await output('cp', [join(root, 'bin/rainmail'), join(modules, 'rainmail/bin')]);
  await symlink('../rainmail/bin/rainmail', join(modules, '.bin/rainmail'));
  const main = 'console.log(process.version, process.env.UV_THREADPOOL_SIZE, process.ppid, ...process.argv.slice(2))';
  await writeFile(join(modules, 'rainmail/dist/main.js'), main);

  const told = await output(join(modules, '.bin/rainmail'), ['serve', 'a b'], { env: { PATH: old } });
  // The parent is this test: the script has become the server.
  assert.equal(told, `${process.version} 16 ${process.pid} serve a b\n`);
});

test('bin/rainmail says what is missing when there is no Node 26 at all', async (t) => {
  const { folder, old } = await machineWithOldNode(t);
  await mkdir(join(folder, 'bin'));
  const script = join(folder, 'bin/rainmail');
  await output('cp', [join(root, 'bin/rainmail'), script]);
  await assert.rejects(
    output(script, ['--version'], { env: { PATH: old } }),
    /needs Node\.js 26 or newer and finds none/,
  );
});

/** A folder, and a PATH on which `node` is an old one. */
async function machineWithOldNode(t: Parameters<typeof emptyFolder>[0]) {
  const folder = await emptyFolder(t);
  const bin = join(folder, 'old');
  await mkdir(bin);
  await writeFile(join(bin, 'node'), '#!/bin/sh\necho false\n');
  await chmod(join(bin, 'node'), 0o755);
  return { folder, old: [bin, '/usr/bin', '/bin'].join(delimiter) };
}
