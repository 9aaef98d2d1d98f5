/**
 * The disaster drill: a server under load is backed up while it runs, its data directory is destroyed, and the backup is restored. Everything
 * that was acknowledged before the backup began is there, byte for byte; what was acknowledged during the run is there whole or not at all.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { perform } from '../../src/cli/perform.ts';
import { Directory } from '../../src/directory/directory.ts';
import { runBackup } from '../../src/server/admin/backup.ts';
import { BUSY_STORE } from '../crash/busy-store.ts';
import { readEverything } from '../crash/everything.ts';
import { MAILBOXES, signIn } from '../crash/imap-mailbox.ts';
import type { Event, Journal, Snapshot } from '../crash/journal.ts';
import { DOWNLOADER, PEOPLE, READERS, work } from '../crash/load.ts';
import { tokenOf } from '../crash/messages.ts';
import { Model } from '../crash/model.ts';
import { Random, seed } from '../crash/random.ts';
import { Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { MAIN, ServerProcess } from '../helpers/server-process.ts';
import { bytesOf, openStore } from '../store/helpers.ts';
import { InsuredOffice } from './insured-office.ts';

/** Events of the load before the backup, and after it: what comes then is lost. */
const WORK_BEFORE = 1_000;
const WORK_AFTER = 100;

/** What never changes of a message: by account, mailbox and UID its EMAILID and INTERNALDATE; by account and token its UIDL. */
type Facts = ReadonlyMap<string, string>;

interface Disaster {
  readonly office: TrialOffice;
  readonly insured: InsuredOffice;
  readonly events: readonly Event[];
  /** How many events there were when the backup began, and when it was made. */
  readonly began: number;
  readonly ended: number;
  readonly facts: Facts;
}

/** An office that worked, was backed up while it worked, worked on, and died. */
async function disaster(t: TestContext): Promise<Disaster> {
  const random = new Random(seed(t));
  const office = await trialOffice(t, { people: PEOPLE, config: BUSY_STORE });
  const insured = await InsuredOffice.at(office);
  const events: Event[] = [];
  const model = new Model();
  let awaited: { readonly count: number; readonly come: () => void } | undefined;
  const journal: Journal = {
    write(event) {
      events.push(event);
      model.apply(event);
      if (awaited !== undefined && events.length >= awaited.count) awaited.come();
    },
  };
  const more = (count: number) =>
    new Promise<void>((come) => {
      awaited = { count: events.length + count, come };
    });
  const { snapshot, sessions } = await readEverything(office, model, false);
  journal.write({ event: 'restarted', snapshot });
  const working = work({ office, journal, model, random }, sessions);
  await Promise.race([working, more(WORK_BEFORE)]);
  const facts = await readFacts(office);
  const began = events.length;
  await perform(runBackup, {}, office);
  const ended = events.length;
  await Promise.race([working, more(WORK_AFTER)]);
  await office.kill();
  await working;
  for (const session of sessions.values()) session.close();
  t.diagnostic(
    `${events.length} events, of which ${ended - began} while the backup was made and ${events.length - ended} after it`,
  );
  assert.ok(began >= WORK_BEFORE && events.length >= ended + WORK_AFTER, 'the load broke off');
  return { office, insured, events, began, ended, facts };
}

async function readFacts(office: TrialOffice): Promise<Map<string, string>> {
  const facts = new Map<string, string>();
  for (const account of READERS) {
    const session = await signIn(office, account);
    for (const mailbox of MAILBOXES) {
      await session.command(`EXAMINE ${mailbox}`);
      for (const line of (await session.command('UID FETCH 1:* (EMAILID INTERNALDATE)')).untagged) {
        const [, uid] = /UID (\d+)/.exec(line) ?? [];
        const [emailId] = /EMAILID \([^)]*\)/.exec(line) ?? [];
        const [date] = /INTERNALDATE "[^"]*"/.exec(line) ?? [];
        if (uid !== undefined) facts.set(`${account} ${mailbox} ${uid}`, `${emailId} ${date}`);
      }
    }
    session.close();
  }
  const session = await Pop3Device.signIn(office.port('pop3'), office.address(DOWNLOADER), PASSWORD);
  for (const [index, uidl] of (await session.uidl()).entries()) {
    const header = await session.lines(`TOP ${index + 1} 0`);
    facts.set(`${DOWNLOADER} ${tokenOf(`${header.join('\r\n')}\r\n`)}`, uidl);
  }
  await session.quit();
  session.close();
  return facts;
}

/**
 * The backup is of one moment while it was made: there is an event of that time up to which everything happened, and nothing of what was asked
 * later. @returns the fewest problems that any moment leaves
 */
function problemsAtBest({ events, began, ended }: Disaster, snapshot: Snapshot): string[] {
  const model = new Model();
  for (const event of events.slice(0, began)) model.apply(event);
  let best = model.problems(snapshot);
  for (const event of events.slice(began, ended)) {
    if (best.length === 0) return best;
    model.apply(event);
    const problems = model.problems(snapshot);
    if (problems.length < best.length) best = problems;
  }
  return best;
}

async function assertRestored(t: TestContext, lost: Disaster): Promise<void> {
  const { office, facts } = lost;
  const { snapshot, sessions } = await readEverything(office, new Model(), true);
  for (const session of sessions.values()) session.close();
  assert.deepEqual(problemsAtBest(lost, snapshot), []);
  // What was acknowledged after the backup is lost: so the comparison can tell.
  const end = lost.events.length;
  assert.notDeepEqual(problemsAtBest({ ...lost, began: end, ended: end }, snapshot), []);
  const now = await readFacts(office);
  const [same, other] = [[] as string[], [] as string[]];
  for (const [message, fact] of facts) if (now.has(message)) (now.get(message) === fact ? same : other).push(message);
  assert.deepEqual(other, []);
  t.diagnostic(`${same.length} of ${facts.size} messages are there with the ids and dates they had`);
  assert.ok(same.length > facts.size / 4);
  const { findings } = (await office.command('verify')) as { findings: readonly unknown[] };
  assert.deepEqual(findings, []);
}

test('a server that is destroyed under load comes back with everything that was acknowledged before the backup', async (t) => {
  const lost = await disaster(t);
  await rm(lost.office.data, { recursive: true });
  await lost.insured.restore();
  await assertRestored(t, lost);
});

test('a data directory of which half is deleted, or bits are flipped, is not written over, and comes back elsewhere', async (t) => {
  const lost = await disaster(t);
  const { office, insured } = lost;
  const random = new Random(seed(t));
  await damage(office.data, random);
  const args = ['restore', 'server', '--from', insured.repository, '--data', office.data];
  const refused = await rainmail(args, { input: `${insured.key}\n` });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is not empty.*restore\.place/s);
  await rename(office.data, `${office.data}.damaged`);
  if (await killRestores(lost, random)) await office.start();
  else await insured.restore();
  await assertRestored(t, lost);
});

/** The restore itself dies, at random moments; the next one goes on. @returns true when one was quicker than we were */
async function killRestores({ office, insured }: Disaster, random: Random): Promise<boolean> {
  const key = join(office.folder, 'key.txt');
  await writeFile(key, insured.key);
  const args = ['restore', 'server', '--from', insured.repository, '--data', office.data, '--key-file', key];
  for (let time = 0; time < 3; time++) {
    const restoring = new ServerProcess(process.execPath, [MAIN, ...args]);
    await setTimeout(random.between(300, 1_200));
    await restoring.kill();
    if (existsSync(join(office.data, 'mail.db')) && !existsSync(join(office.data, 'restoring.json'))) return true;
  }
  return false;
}

/** Deletes half of the files and flips bits in the others. */
async function damage(data: string, random: Random): Promise<void> {
  for (const entry of await readdir(data, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (random.chance(0.5)) await rm(path);
    else await flipBits(path, random);
  }
}

async function flipBits(path: string, random: Random): Promise<void> {
  const content = await readFile(path);
  for (let count = 0; content.length > 0 && count < 20; count++) {
    const at = random.between(0, content.length - 1);
    content[at]! ^= 1 << random.between(0, 7);
  }
  await writeFile(path, content);
}

/** More: RAINMAIL_DRILL_CUTS=50. */
const CUTS = Number(process.env['RAINMAIL_DRILL_CUTS'] ?? 3);

test('a repository that is cut while a backup is made gives back every backup that was whole, and refuses the others by name', async (t) => {
  const random = new Random(seed(t));
  const office = await trialOffice(t, { people: ['anna'], config: BUSY_STORE });
  const insured = await InsuredOffice.at(office);
  const ids: string[] = [];
  const repositories: string[] = [];
  for (const round of [1, 2]) {
    for (let number = 1; number <= 30; number++)
      await office.deliver({
        to: 'anna',
        subject: `Letter ${round}.${number}`,
        text: 'x'.repeat(random.between(10, 50_000)),
      });
    ids.push(((await perform(runBackup, {}, office)) as { id: string }).id);
    repositories.push(join(office.folder, `repository-${round}`));
    await cp(insured.repository, repositories.at(-1)!, { recursive: true });
  }
  const [older, newer] = repositories as [string, string];
  const whole: Record<string, string> = {};
  for (const id of ids) whole[id] = (await restored(t, office, insured, newer, id)).digest!;
  assert.notEqual(whole[ids[0]!], whole[ids[1]!]);
  for (let cut = 0; cut < CUTS; cut++) {
    const repository = join(office.folder, `cut-${cut}`);
    await cp(older, repository, { recursive: true });
    const incomplete = await addPart(older, newer, repository, random);
    assert.equal((await restored(t, office, insured, repository, ids[0]!)).digest, whole[ids[0]!]);
    const { digest, refusal } = await restored(t, office, insured, repository, ids[1]!);
    if (incomplete) {
      assert.equal(digest, undefined);
      assert.match(refusal!, new RegExp(`${ids[1]}.*\\(backup\\.(missing|damaged)\\)`, 's'));
    } else assert.equal(digest, whole[ids[1]!]);
  }
});

/** Copies what the newer state of a repository has beyond the older one, until the cut. @returns whether anything is missing */
async function addPart(older: string, newer: string, to: string, random: Random): Promise<boolean> {
  const known = new Set(await readdir(older, { recursive: true }));
  const added: string[] = [];
  for (const name of await readdir(newer, { recursive: true })) if (!known.has(name)) added.push(name);
  added.sort((a, b) => Number(a.startsWith('snapshots')) - Number(b.startsWith('snapshots'))); // the manifest comes last
  const kept = random.between(0, added.length);
  for (const [index, name] of added.entries()) {
    if (index > kept) return true;
    const path = join(to, name);
    await mkdir(join(path, '..'), { recursive: true });
    await cp(join(newer, name), path);
    const { size } = await stat(path);
    if (index === kept) await truncate(path, random.between(0, size - 1));
  }
  return kept < added.length;
}

/** Restores a backup into a folder of its own. @returns a digest of what is in it, or the refusal */
async function restored(
  t: TestContext,
  office: TrialOffice,
  { key }: InsuredOffice,
  repository: string,
  id: string,
): Promise<{ digest?: string; refusal?: string }> {
  const data = join(office.folder, 'restored');
  const args = ['restore', 'server', '--from', repository, '--backup', id, '--data', data];
  const { code, stderr } = await rainmail(args, { input: `${key}\n` });
  try {
    if (code !== 0) {
      assert.ok(!existsSync(join(data, 'mail.db')), 'a refused restore left a database');
      return { refusal: stderr };
    }
    return { digest: await digestOf(t, data) };
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

/** Of everything anna has: folder, UID, ids, flags, dates and bytes of each message. */
async function digestOf(t: TestContext, data: string): Promise<string> {
  const store = await openStore(t, data);
  const { id: account } = await (await Directory.open(store.engine)).account('anna@office.test');
  const sum = createHash('sha256');
  for (const { id: mailbox, path, uidvalidity } of await store.mailboxes.list(account)) {
    const view = await store.view({ account, mailbox });
    for (let index = 0; index < view.length; index++) {
      const { modseq: _, ...entry } = view.entry(index);
      sum.update(JSON.stringify({ path, uidvalidity, ...entry, uidl: view.uidl(index) }));
      sum.update(await bytesOf(store, { account, mailbox }, entry.uid));
    }
  }
  assert.deepEqual((await store.verify()).findings, []);
  await store.close();
  return sum.digest('hex');
}
