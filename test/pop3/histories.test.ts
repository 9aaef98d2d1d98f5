/**
 * Random histories of a person with several POP3 devices (history.ts), against the model of what each device must and may see.
 *
 * RAINMAIL_POP3_HISTORIES says how many (npm run test:pop3: ten thousand), RAINMAIL_POP3_FIRST with which seed to begin; a failure tells its seed.
 */
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackedUpStore } from '../../src/backup/restore/backed-up-store.ts';
import { restoreMail } from '../../src/backup/restore/mail.ts';
import { restoreServer } from '../../src/backup/restore/server.ts';
import type { LetGoRule } from '../../src/store/devices.ts';
import { backUp, emptyRepository, type Place, using } from '../backup/helpers.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { type DeviceRoom, deviceRoom } from './device-room.ts';
import { generator, History, type HistoryOptions, program } from './history.ts';

const HISTORIES = Number(process.env['RAINMAIL_POP3_HISTORIES'] ?? 30);
const FIRST = Number(process.env['RAINMAIL_POP3_FIRST'] ?? 1);
const STEPS = 30;
/** Histories that share a server: what one leaves behind must not slow the others. */
const SHARING = 50;

/** A server whose own housekeeping leaves the time to the histories. */
function roomWith(t: TestContext, rule: LetGoRule, directory?: string): Promise<DeviceRoom> {
  const storeOptions = { housekeepingEvery: 2 ** 31 - 1, ...(directory === undefined ? {} : { directory }) };
  return deviceRoom(t, {
    storeOptions,
    policy: { 'pop3.letGo': rule },
    ...(directory === undefined ? {} : { people: [] }),
  });
}

async function programsIn(room: DeviceRoom, random: (below: number) => number) {
  const programs = [];
  for (let number = random(2) === 0 ? 2 : 5; number > 0; number -= 1) {
    programs.push(program(await room.device(`device ${number}`), random(3) > 0));
  }
  return programs;
}

/** What comes between the steps of a history: of the whole server, of the account's mail, or nothing. */
function restoreOf(seed: number): 'server' | 'mail' | undefined {
  if (seed % 25 === 7) return 'server';
  return seed % 5 === 3 ? 'mail' : undefined;
}

async function run(t: TestContext, rule: LetGoRule, seeds: readonly number[]): Promise<void> {
  let room = await roomWith(t, rule);
  for (const seed of seeds) {
    const random = generator(seed);
    const programs = await programsIn(room, random);
    try {
      const history = new History(room, { rule, programs, random, name: `Letter ${seed}` });
      const restores = restoreOf(seed);
      for (let step = random(STEPS / 2); step > 0; step -= 1) await history.step();
      const backup = restores && { place: await backedUp(t, room), model: history.remember() };
      for (let step = 0; step < STEPS / 2; step += 1) await history.step();
      if (backup && restores === 'mail') {
        await restoreMailOf(t, room, backup.place);
        history.mailRestored(backup.model);
      } else if (backup) {
        room = await restoredRoom(t, rule, backup.place);
        history.serverRestored(room, backup.model);
      }
      for (let step = random(STEPS / 2); step > 0; step -= 1) await history.step();
      await history.end();
    } catch (error) {
      throw new Error(`history ${seed} with the rule ${rule.kind} went wrong`, { cause: error });
    }
    await tidy(room, programs.length);
  }
  assert.deepEqual((await room.store.verify()).findings, []);
}

async function backedUp(t: TestContext, room: DeviceRoom): Promise<Place> {
  const place = await emptyRepository(t);
  await backUp(place, room.store);
  return place;
}

async function restoreMailOf(t: TestContext, { store, account }: DeviceRoom, place: Place): Promise<void> {
  const scratch = await emptyFolder(t);
  await using(place, 'read', async (repository) => {
    const backup = await BackedUpStore.open(await repository.snapshot('latest'), scratch, {});
    try {
      const source = await backup.account('anna@office.test');
      const { signal } = new AbortController();
      await restoreMail({ store, account, backup, source }, { onProgress: () => {}, signal });
    } finally {
      await backup.close();
    }
  });
}

/** The server as it was at the backup, in a directory of its own. */
async function restoredRoom(t: TestContext, rule: LetGoRule, place: Place): Promise<DeviceRoom> {
  const data = await mkdtemp(join(tmpdir(), 'rainmail-restored-'));
  await using(place, 'read', async (repository) => {
    const configuration = join(data, 'restored.toml');
    const { signal } = new AbortController();
    const options = { data, configuration, actor: 'the test', onProgress: () => {}, signal };
    await restoreServer(await repository.snapshot('latest'), options);
  });
  return roomWith(t, rule, data);
}

/** An empty mailbox without devices, for the next history. */
async function tidy(room: DeviceRoom, devices: number): Promise<void> {
  const { store, account, directory } = room;
  for (const { id: mailbox, total } of await store.mailboxes.list(account)) {
    if (total === 0) continue;
    const view = await store.view({ account, mailbox });
    await store.messages.expunge(
      { account, mailbox },
      Array.from({ length: view.length }, (_, index) => view.uid(index)),
    );
  }
  for (let number = devices; number > 0; number -= 1) {
    await directory.by('the test').appPasswords.revoke('anna@office.test', `device ${number}`);
  }
}

/** Histories of a server that makes a mistake: the model must notice. */
async function noticed(t: TestContext, options: (room: DeviceRoom) => Promise<Partial<HistoryOptions>>): Promise<void> {
  const rule = { kind: 'remove' } as const;
  const room = await roomWith(t, rule);
  const programs = [program(await room.device('laptop'), true), program(await room.device('phone'), true)];
  const chosen = { rule, programs, name: 'Letter', random: generator(1), ...(await options(room)) };
  const history = new History(room, chosen);
  await assert.rejects(async () => {
    for (let step = 0; step < 10 * STEPS; step += 1) await history.step();
    await history.end();
  }, assert.AssertionError);
}

test('the model would notice: with one password for all, programs do miss what others delete', (t) =>
  noticed(t, async ({ shared }) => ({ programs: [program(shared, true), program(shared, false)] })));

test('the model would notice a device that is shown again what was moved away while it deleted it', (t) =>
  noticed(t, async () => ({ forgetsMoved: true })));

for (const kind of ['remove', 'keep'] as const) {
  test(`no device misses a message or gets one twice, whatever the others do (${kind})`, async (t) => {
    const half = Math.ceil(HISTORIES / 2);
    const first = FIRST + (kind === 'remove' ? 0 : half);
    const seeds = Array.from({ length: half }, (_, index) => first + index);
    for (let from = 0; from < seeds.length; from += SHARING) {
      const some = seeds.slice(from, from + SHARING);
      await t.test(`histories ${some[0]} to ${some.at(-1)}`, (t) => run(t, { kind }, some));
    }
  });
}
