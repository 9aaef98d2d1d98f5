/**
 * Acknowledged means on disk, also when the power is cut: a server is recorded under load, with everything it asks of its disk; then disks
 * are made as a power cut may leave them (disk-image.ts), opened, and held to what was acknowledged before the cut.
 * RAINMAIL_CRASH_IMAGES sets how many, RAINMAIL_TEST_SEED repeats the lots of a run.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { emptyFolder } from '../helpers/folder.ts';
import { trialOffice } from '../helpers/office.ts';
import { BUSY_STORE } from './busy-store.ts';
import { buildDisk } from './disk.ts';
import { type Files, imageOf, type PowerCut, readFiles, writeFiles } from './disk-image.ts';
import { type DiskEvent, LoggedJournal, readDiskLog } from './disk-log.ts';
import { readEverything } from './everything.ts';
import { PEOPLE, work } from './load.ts';
import { Model } from './model.ts';
import { Random, seed } from './random.ts';
import { type Examined, examine } from './store-mailboxes.ts';

const IMAGES = Number(process.env['RAINMAIL_CRASH_IMAGES'] ?? 16);
/** Times that the recorded server dies and is started again: what it recovered must be as safe as what it wrote. */
const LIVES = 3;
/** Calls on files after which a life ends. */
const CALLS = [1_500, 4_000] as const;
const SURVIVALS = [0, 0.5, 0.9];
/** Images of a disk that lies until one must have shown it. */
const CONTROL_IMAGES = 40;

interface Recording {
  readonly before: Files;
  readonly events: readonly DiskEvent[];
}

test('what was acknowledged survives power cuts', async (t) => {
  const folder = await emptyFolder(t);
  const disk = buildDisk(t, folder);
  if (disk === undefined) return;
  const random = new Random(seed(t));
  const recording = await record(t, disk, join(folder, 'disk.log'), random);
  const bench = new Bench(recording, join(folder, 'image'));

  await t.test(`in each of ${IMAGES} images`, async (t) => {
    let [acknowledged, recovered] = [0, 0];
    for (let number = 1; number <= IMAGES; number++) {
      const image = bench.cut(random);
      const examined = await bench.examine(image.files);
      assert.deepEqual([...image.model.problems(examined.snapshot), ...examined.findings], [], image.text);
      acknowledged += image.acknowledged;
      recovered += examined.recovered.messagesRemoved;
    }
    t.diagnostic(`${acknowledged} acknowledgements held, ${recovered} messages that nobody was promised were removed`);
    assert.ok(acknowledged > IMAGES, 'hardly anything had been acknowledged');
  });

  // What must go wrong when something that we rely on is taken away: these show that the test above can fail.
  const lies: readonly (readonly [name: string, ignoresSync: (path: string) => boolean])[] = [
    ['the log', (path) => path.endsWith('-wal')],
    ['the segments', (path) => path.startsWith('segments/')],
    ['the names of the segments', (path) => path === 'segments'],
  ];
  for (const [name, ignoresSync] of lies) {
    await t.test(`messages are lost by a disk that does not sync ${name}`, async () => {
      assert.ok(
        await someImage(async () => {
          const { files, model } = bench.cut(random, { ignoresSync });
          const examined = await bench.examine(files).catch(() => undefined);
          return (
            examined !== undefined && model.problems(examined.snapshot).some((problem) => / is lost/.test(problem))
          );
        }),
      );
    });
  }
  await t.test('messages without a body stay where recovery does not look', async () => {
    assert.ok(
      await someImage(async () => {
        const { files } = bench.cut(random, { after: random.pick(bench.unsyncedBodies), survival: 0 });
        const { recovered, findings } = await bench.examine(files, pretendClean);
        assert.ok(recovered.clean);
        return findings.length > 0;
      }),
    );
  });
});

/** True as soon as an image is as wanted; false when none is. */
async function someImage(wanted: () => Promise<boolean>): Promise<boolean> {
  for (let number = 0; number < CONTROL_IMAGES; number++) if (await wanted()) return true;
  return false;
}

/** Runs servers under load that die between two calls on their files, one after the other on one data directory. */
async function record(t: TestContext, disk: string, log: string, random: Random): Promise<Recording> {
  const office = await trialOffice(t, { people: PEOPLE, config: BUSY_STORE });
  await office.stop();
  const before = readFiles(office.data);
  const model = new Model();
  const journal = new LoggedJournal(log, (event) => model.apply(event));
  t.after(() => journal.close());
  for (let life = 1; life <= LIVES; life++) {
    office.environment = {
      LD_PRELOAD: disk,
      DISK_FOLDER: office.data,
      DISK_LOG: log,
      DISK_DIE_AFTER: `${random.between(...CALLS)}`,
      UV_THREADPOOL_SIZE: '16',
      UV_USE_IO_URING: '0',
    };
    await office.start();
    const { snapshot, sessions } = await readEverything(office, model, true);
    assert.deepEqual(model.problems(snapshot), [], `at the beginning of life ${life}`);
    journal.write({ event: 'restarted', snapshot });
    await work({ office, journal, model, random: random.fork() }, sessions);
    for (const session of sessions.values()) session.close();
    assert.equal((await office.ended()).code, null, 'it should have been killed');
    const everything = imageOf(before, readDiskLog(log), { after: Number.POSITIVE_INFINITY, survival: 1, random });
    assertSameFiles(everything, readFiles(office.data));
  }
  const events = readDiskLog(log);
  t.diagnostic(`recorded ${events.length} events`);
  return { before, events };
}

/** The recorder has seen all that happened, and the image is made right. */
function assertSameFiles(made: Files, found: Files): void {
  assert.deepEqual([...made.keys()].sort(), [...found.keys()].sort());
  for (const [path, content] of found) assert.ok(content.equals(made.get(path)!), `${path} differs from its image`);
}

/** Where images are made and opened, one after the other. */
class Bench {
  readonly #recording: Recording;
  readonly #directory: string;
  readonly #firstCut: number;

  constructor(recording: Recording, directory: string) {
    this.#recording = recording;
    this.#directory = directory;
    this.#firstCut = recording.events.findIndex((each) => each.kind === 'journal' && each.event.event === 'taken');
  }

  /** Moments before a sync of bodies ended: their rows may be on the disk already. */
  get unsyncedBodies(): number[] {
    const paths = new Map<number, string>();
    const moments: number[] = [];
    for (const [index, event] of this.#recording.events.entries()) {
      if (event.kind === 'open') paths.set(event.file, event.path);
      if (event.kind === 'synced' && paths.get(event.file)!.startsWith('segments/') && index > this.#firstCut)
        moments.push(index);
    }
    return moments;
  }

  /** A power cut, at a random moment if none is given, and what had been acknowledged by then. */
  cut(random: Random, given: Partial<PowerCut> = {}) {
    const { before, events } = this.#recording;
    const power: PowerCut = {
      after: random.between(this.#firstCut, events.length),
      survival: random.pick(SURVIVALS),
      random,
      ...given,
    };
    const { after, survival } = power;
    const files = imageOf(before, events, power);
    const model = new Model();
    let acknowledged = 0;
    for (const each of events.slice(0, after)) {
      if (each.kind !== 'journal') continue;
      model.apply(each.event);
      if (each.event.event === 'taken' || each.event.event === 'done') acknowledged++;
    }
    return { files, model, acknowledged, text: `power cut after ${after} events, pages survive with ${survival}` };
  }

  async examine(files: Files, prepare?: (directory: string) => void): Promise<Examined> {
    await rm(this.#directory, { recursive: true, force: true });
    writeFiles(this.#directory, files);
    prepare?.(this.#directory);
    return examine(this.#directory, PEOPLE);
  }
}

function pretendClean(directory: string): void {
  const database = new DatabaseSync(join(directory, 'mail.db'));
  database.exec(`UPDATE meta SET value = 'closed' WHERE name = 'state'`);
  database.close();
}
