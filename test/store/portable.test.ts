/**
 * The store's SQL stays portable: PostgreSQL takes the schema and prepares every statement. Needs Debian's PostgreSQL; a server of its own is
 * started in a temporary folder.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { schemaToPostgres, statementToPostgres } from '../../src/store/engine/postgres-dialect.ts';
import { allStatements } from '../../src/store/engine/sql.ts';
import { MIGRATIONS } from '../../src/store/schema/migrations.ts';
import { defer } from '../helpers/defer.ts';
import { temporaryFolder } from './helpers.ts';

/** Debian keeps the server's programs off the path. */
function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}

/** PostgreSQL refuses to run as root. */
const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];

function run(program: string, ...args: string[]): void {
  const [command = '', ...rest] = [...asUser, program, ...args];
  const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

async function startPostgres(t: TestContext, bin: string): Promise<pg.Client> {
  const folder = await temporaryFolder(t);
  if (asUser.length > 0) spawnSync('chown', ['postgres', folder]);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  run(join(bin, 'initdb'), '-D', data, '-A', 'trust', '-U', 'rainmail', '--no-sync', '-E', 'UTF8');
  const [command = '', ...args] = [
    ...asUser,
    join(bin, 'postgres'),
    '-D',
    data,
    '-k',
    folder,
    '-c',
    'listen_addresses=',
    '-F',
  ];
  const server = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => server.once('exit', done));
  defer(t, async () => {
    run(join(bin, 'pg_ctl'), '-D', data, 'stop', '-m', 'immediate');
    await ended;
  });
  await new Promise<void>((ready, failed) => {
    let log = '';
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('ready to accept connections')) ready();
    });
    server.once('exit', () => failed(new Error(log)));
  });
  const client = new pg.Client({ host: folder, user: 'rainmail', database: 'postgres' });
  await client.connect();
  defer(t, () => client.end());
  return client;
}

test('PostgreSQL takes the schema and prepares every statement of the store and the directory', async (t) => {
  const bin = postgresPrograms();
  if (bin === undefined) return t.skip('PostgreSQL is not installed (Debian: postgresql)');
  const client = await startPostgres(t, bin);
  for (const { statements } of MIGRATIONS) {
    for (const statement of statements) await client.query(schemaToPostgres(statement));
  }
  // Statements declare themselves when their module is loaded.
  for (const part of ['store', 'directory', 'auth', 'delivery', 'server', 'cli']) {
    const root = resolve(import.meta.dirname, '../../src', part);
    for (const name of await readdir(root, { recursive: true })) {
      if (name.endsWith('.ts') && !name.endsWith('worker.ts')) await import(join(root, name));
    }
  }
  const statements = allStatements();
  assert.ok(statements.length > 60, `${statements.length} statements`);
  const wrong: string[] = [];
  for (const { text, index } of statements) {
    try {
      await client.query(`PREPARE s${index} AS ${statementToPostgres(text)}`);
    } catch (error) {
      wrong.push(`${(error as Error).message}: ${text}`);
    }
  }
  assert.deepEqual(wrong, []);
});
