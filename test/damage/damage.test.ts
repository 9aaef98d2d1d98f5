/**
 * Whatever happens to the files of a data directory: nothing crashes, nobody is shown another message's bytes, what matters is found and named, and
 * `rainmail verify --repair` brings the rest back. RAINMAIL_DAMAGE_ROUNDS sets how many damages, RAINMAIL_TEST_SEED repeats the lots of a run.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { repairOffice } from '../../src/cli/verify.ts';
import { Refused } from '../../src/errors.ts';
import { HEADER_BYTES } from '../../src/store/bodies/record.ts';
import { FILE_HEADER_BYTES } from '../../src/store/bodies/segment-file.ts';
import { isOfTheFile } from '../../src/store/damage.ts';
import { expectedTables } from '../../src/store/schema/expected.ts';
import type { Finding } from '../../src/store/verify/finding.ts';
import { Random, seed } from '../crash/random.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { type Damage, damage } from './damage.ts';
import { look, type Made, makeOffice, type Sight, type Sights, tokensIn } from './office.ts';

const ROUNDS = Number(process.env['RAINMAIL_DAMAGE_ROUNDS'] ?? 15);

/** What became of a damage: it was found, made no difference, or changed something that nothing can tell. */
type Fate = 'found' | 'harmless' | 'silent';

interface Original {
  readonly directory: string;
  readonly own: ReadonlySet<string>;
  readonly sights: Sights;
  readonly rows: string;
}

test('damaged files crash nothing, show nobody other bytes, are found and named, and the rest comes back', async (t) => {
  const folder = await emptyFolder(t);
  const random = new Random(seed(t));
  const made = await makeOffice(folder);
  const originals: Original[] = [];
  for (const directory of [made.clean, made.killed])
    originals.push(await remember(made, directory, join(folder, 'copy')));
  const fates = new Map<string, number>();
  for (let round = 1; round <= ROUNDS; round++) {
    const original = random.pick(originals);
    const directory = join(folder, `${round}`);
    await cp(original.directory, directory, { recursive: true });
    const done = damage(directory, random);
    const fate = await examine(original, directory, done);
    const kind = `${done.file.replace(/\d+/, 'N')} ${fate}`;
    fates.set(kind, (fates.get(kind) ?? 0) + 1);
    if (fate === 'silent') t.diagnostic(`silent: ${done.file}: ${done.how}`);
    await rm(directory, { recursive: true });
  }
  for (const [kind, count] of [...fates].sort()) t.diagnostic(`${kind}: ${count}`);
  assert.equal(fates.get('segments/N.seg silent') ?? 0, 0, 'a change of what segments hold was not found');
});

test('a disk that mends the checksums of what it damages would be noticed', async (t) => {
  const folder = await emptyFolder(t);
  const made = await makeOffice(folder);
  const original = await remember(made, made.clean, join(folder, 'copy'));
  const directory = join(folder, 'lying');
  await cp(made.clean, directory, { recursive: true });
  const [name] = readdirSync(join(directory, 'segments')).sort();
  const path = join(directory, 'segments', name!);
  const bytes = readFileSync(path);
  let header = FILE_HEADER_BYTES;
  const end = () => header + HEADER_BYTES + bytes.readUInt32LE(header + 8);
  header = end(); // the first was removed, the second is in a folder
  bytes[header + HEADER_BYTES + 250]! ^= 4;
  bytes.writeUInt32LE(crc32(bytes.subarray(header + HEADER_BYTES, end())), header + 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(header, header + 60)), header + 60);
  writeFileSync(path, bytes);
  await assert.rejects(examine(original, directory, { file: `segments/${name}`, how: 'mended' }), /other bytes/);
});

async function remember({ own }: Made, directory: string, scratch: string): Promise<Original> {
  await rm(scratch, { recursive: true, force: true });
  await cp(directory, scratch, { recursive: true });
  const sights = await look(scratch);
  assert.deepEqual(sights.errors, []);
  assert.ok(sights.messages.length > 60);
  return { directory, own, sights, rows: everyRow(scratch) };
}

/** @throws when something happened that must not */
async function examine({ own, sights: before, rows }: Original, directory: string, done: Damage): Promise<Fate> {
  const what = `${done.file}: ${done.how}`;
  const assertOwn = (sights: Sights, when: string): void => {
    for (const error of sights.errors) {
      // A page that can't be read is an error of that one request. Anything else is a fault of ours.
      assert.ok(error instanceof Refused || isOfTheFile(error), `${what}, ${when}: ${String((error as Error).stack)}`);
    }
    for (const { account, token } of sights.messages) {
      if (token instanceof Refused || account.startsWith('recovered-')) continue;
      assert.ok(own.has(`${account} ${token}`), `${what}, ${when}: ${account} is shown ${token}`);
    }
  };

  const shown = await look(directory).catch((error: unknown) => {
    if (error instanceof Refused) return error;
    throw new Error(`${what}: the store is neither opened nor refused`, { cause: error });
  });
  const refused = shown instanceof Refused ? shown : undefined;
  let changed = false;
  if (!(shown instanceof Refused)) {
    assertOwn(shown, 'as it is');
    changed = everyRow(directory) !== rows || keyOf(shown.messages) !== keyOf(before.messages);
  }
  if (done.file === 'lock.db') {
    if (refused !== undefined) assert.match(refused.message, /lock\.db can’t be read/);
    return refused === undefined ? 'harmless' : 'found';
  }
  if (refused !== undefined)
    assert.ok(['store.damaged', 'store.newer'].includes(refused.code), `${what}: ${refused.message}`);

  const { salvaged, repaired } = await repairOffice({ data: directory, json: true });
  const loose = await tokensIn(join(directory, 'lost-and-found'), (path) => readFile(path));
  if (repaired === undefined) {
    // Without a database there is only the content.
    assert.ok(done.file === 'mail.db' && refused?.code === 'store.damaged', what);
    for (const { token } of before.messages) assert.ok(loose.has(String(token)), `${what}: ${String(token)} is lost`);
    return 'found';
  }
  const { found, left } = repaired;
  assert.deepEqual(
    left.filter(({ code }) => code !== 'body'),
    [],
    `${what}: not mended`,
  );
  const after = await look(directory);
  assert.deepEqual(after.errors, [], what);
  assertOwn(after, 'repaired');
  const recovered = shown instanceof Refused ? undefined : shown.recovered;
  const isFound =
    refused !== undefined ||
    salvaged !== null ||
    found.findings.length > 0 ||
    (recovered?.removed.length ?? 0) > 0 ||
    (recovered?.framesNotRead ?? 0) > 0;
  assertNothingLost(before, after, {
    what,
    named: [...left, ...found.findings, ...(recovered?.removed ?? [])],
    loose,
    file: done.file,
  });
  return isFound ? 'found' : changed ? 'silent' : 'harmless';
}

type Place = Pick<Finding, 'account' | 'mailbox' | 'uid'>;

interface After {
  readonly what: string;
  readonly file: string;
  /** Messages that verify, repair or recovery told of. */
  readonly named: readonly Place[];
  readonly loose: ReadonlySet<string>;
}

/** Each message is there, or its bytes lie loose, or it was named. What only the log held may be gone with the log. */
function assertNothingLost(before: Sights, after: Sights, { what, file, named, loose }: After): void {
  if (file === 'mail.db-wal') return;
  const there = new Set(after.messages.map(({ token }) => String(token)));
  const names = new Set(named.map(({ account, mailbox, uid }) => `${account}/${mailbox}/${uid}`));
  for (const { account, mailbox, uid, token } of before.messages) {
    const isNamed = names.has(`${account}/${mailbox}/${uid}`);
    assert.ok(
      there.has(String(token)) || loose.has(String(token)) || isNamed,
      `${what}: ${account} ${mailbox} ${uid} is lost`,
    );
  }
}

function keyOf(messages: readonly Sight[]): string {
  return JSON.stringify(
    messages.map(({ account, mailbox, uid, token, flags }) => [account, mailbox, uid, String(token), flags]),
  );
}

/** Every row but the marks that each start leaves; what can't be read is told as different. */
function everyRow(directory: string): string {
  const database = new DatabaseSync(join(directory, 'mail.db'), { readOnly: true });
  try {
    return JSON.stringify(
      expectedTables().map(({ name }) =>
        database
          .prepare(
            `SELECT * FROM ${name} ${name === 'meta' ? "WHERE name NOT IN ('synced', 'checkpoint', 'run')" : ''}`,
          )
          .all(),
      ),
    );
  } catch (error) {
    if (!isOfTheFile(error)) throw error;
    return error.message;
  } finally {
    database.close();
  }
}
