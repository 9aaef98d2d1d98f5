/**
 * Several real POP3 programs of one person, each with an app password of its own, some of which delete what they have fetched: none misses a
 * message, none gets one twice, and the mailbox holds what the office's rule says, whatever IMAP, broken lines and kills do in between.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { perform } from '../../src/cli/perform.ts';
import { addAppPassword } from '../../src/server/admin/app-passwords.ts';
import { Random, seed } from '../crash/random.ts';
import { type ImapDevice, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice } from './client.ts';
import type { Fetcher } from './fetching.ts';
import { Fetchmail } from './fetchmail.ts';
import { Getmail } from './getmail.ts';
import { Line } from './line.ts';
import { subjectOf, withLf } from './maildir.ts';
import { Mpop } from './mpop.ts';
import { assertSameMessages, withoutTrace } from './odd-messages.ts';
import { OwnProgram, Poplib } from './programs.ts';

const TOOLS = { fetchmail: 'fetchmail', getmail: 'getmail', mpop: 'mpop', poplib: 'python3', own: 'node' } as const;

/** Kills of the office in QUIT. More: RAINMAIL_POP3_KILLS=50. */
const ROUNDS = Number(process.env['RAINMAIL_POP3_KILLS'] ?? 3);

type Kind = keyof typeof TOOLS;
type LetGo = 'keep' | 'remove';

/** A program of anna's. */
class Program {
  readonly kind: Kind;
  readonly keep: boolean;
  readonly line: Line;
  readonly #office: TrialOffice;
  readonly #password: string;
  readonly #fetcher: Fetcher;

  private constructor(
    office: TrialOffice,
    { kind, keep }: { kind: Kind; keep: boolean },
    { fetcher, line, password }: { fetcher: Fetcher; line: Line; password: string },
  ) {
    this.kind = kind;
    this.keep = keep;
    this.line = line;
    this.#office = office;
    this.#password = password;
    this.#fetcher = fetcher;
  }

  static async at(
    t: TestContext,
    { office, home }: { office: TrialOffice; home: ClientHome },
    how: { kind: Kind; keep: boolean; password?: string },
  ): Promise<Program> {
    const password = how.password ?? (await appPassword(office, how.kind));
    const fetcher = await fetcherOf(how.kind, office, await home.another(how.kind), password);
    return new Program(office, how, { fetcher, line: await Line.open(t, office), password });
  }

  fetch(): Promise<void> {
    return this.#fetcher.fetch(this.#how);
  }

  attempt(): Promise<unknown> {
    return this.#fetcher.attempt(this.#how);
  }

  /** Subjects of what the office shows to it. */
  async sees(): Promise<string[]> {
    const session = await Pop3Device.signIn(this.#office.port('pop3'), this.#office.address('anna'), this.#password);
    try {
      return await session.subjects();
    } finally {
      session.close();
    }
  }

  /** It has had each of these once, byte for byte, and nothing else. */
  async assertHas(letters: readonly string[]): Promise<void> {
    assertSameMessages(await this.#received(), letters.map(withLf));
  }

  /** For one that forgets, when its line breaks, what it had in that session, or leaves a part of a message behind. */
  async assertMissesNothing(letters: readonly string[]): Promise<void> {
    const received = new Set(await this.#received());
    assert.deepEqual(letters.filter((each) => !received.has(withLf(each))).map(subjectOf), [], this.kind);
  }

  async #received(): Promise<string[]> {
    const received = (await this.#fetcher.received()).map(withoutTrace);
    // What getmail hands over to ben is delivered twice.
    return (this.kind === 'getmail' ? received.map(withoutTrace) : received).map(withLf);
  }

  get #how() {
    return { keep: this.keep, tls: 'none', port: this.line.port } as const;
  }
}

async function appPassword(office: TrialOffice, name: string): Promise<string> {
  const address = office.address('anna');
  return (await perform(addAppPassword, { address, name, protocols: ['pop3'] }, office)).password;
}

async function fetcherOf(kind: Kind, office: TrialOffice, home: ClientHome, password: string): Promise<Fetcher> {
  if (kind === 'own') return new OwnProgram(office, password);
  return { fetchmail: Fetchmail, getmail: Getmail, mpop: Mpop, poplib: Poplib }[kind].at(office, home, password);
}

/** Anna's mail, as it was delivered. */
class Letters {
  readonly all: string[] = [];
  readonly #office: TrialOffice;

  constructor(office: TrialOffice) {
    this.#office = office;
  }

  async deliver(count: number): Promise<void> {
    const first = this.all.length + 1;
    const letters = Array.from({ length: count }, (_, index) => letter(first + index));
    this.all.push(...letters);
    await Promise.all(letters.map((raw) => this.#office.deliver({ to: 'anna', raw: Buffer.from(raw, 'latin1') })));
  }

  without(...numbers: number[]): string[] {
    return this.all.filter((_, index) => !numbers.includes(index + 1));
  }
}

/** Some are small, some have many kilobytes. */
function letter(number: number): string {
  const head = `From: <ben@example.org>\r\nTo: <anna@office.test>\r\nSubject: ${subject(number)}\r\nMessage-ID: <${number}@example.org>\r\n`;
  const mime =
    'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n';
  const line = `Line of letter ${number}: Gr\xfc\xdfe\r\n.\r\n..\r\n.dot\r\n`;
  return `${head}${mime}\r\n${line.repeat(1 + (number % 5) * 100)}`;
}

function subject(number: number): string {
  return `Letter ${String(number).padStart(3, '0')}`;
}

/** INBOX, as IMAP shows it, holds these. */
async function assertInbox(office: TrialOffice, letters: readonly string[]): Promise<void> {
  const [phone] = office.devices('anna', ['phone']);
  const contents = await phone.imap(async (session) => {
    const found: string[] = [];
    for (const uid of await session.uids()) found.push(await session.content(uid));
    return found;
  });
  assertSameMessages(contents.map(withoutTrace), letters);
}

interface Cast {
  readonly office: TrialOffice;
  readonly home: ClientHome;
  readonly letters: Letters;
  readonly programs: readonly Program[];
}

/** An office and programs that have all signed in, before there is mail. */
async function cast(
  t: TestContext,
  letGo: LetGo,
  kinds: { readonly [Name in Kind]?: 'keeps' | 'deletes' },
): Promise<Cast | undefined> {
  const chosen = Object.entries(kinds) as [Kind, 'keeps' | 'deletes'][];
  if (!chosen.every(([kind]) => needsTool(t, TOOLS[kind]))) return undefined;
  const room = await clientOffice(t, { people: ['anna', 'ben'], config: `[pop3]\nletGo = "${letGo}"` });
  const programs: Program[] = [];
  for (const [kind, what] of chosen) programs.push(await Program.at(t, room, { kind, keep: what === 'keeps' }));
  await all(programs, (program) => program.fetch());
  return { ...room, letters: new Letters(room.office), programs };
}

async function all(programs: readonly Program[], story: (program: Program) => Promise<unknown>): Promise<void> {
  await Promise.all(programs.map(story));
}

/** Every program fetches until it says QUIT. @returns what lets the QUITs go on; what resolves when all programs have ended */
async function untilQuit(programs: readonly Program[]): Promise<{ quit: () => void; ended: Promise<unknown> }> {
  const quits = programs.map(({ line }) => line.holdQuit());
  const running = programs.map((program) => program.attempt());
  const early = programs.map(async ({ kind }, index) => {
    throw new Error(`${kind} ended without QUIT: ${JSON.stringify(await running[index])}`);
  });
  for (const failure of early) failure.catch(() => {}); // all do, in the end
  const held = await Promise.all(quits.map((quit, index) => Promise.race([quit, early[index]!])));
  return {
    quit: () => {
      for (const go of held) go();
    },
    ended: Promise.all(running),
  };
}

const TWO = { fetchmail: 'keeps', mpop: 'deletes' } as const;
const FIVE = { ...TWO, getmail: 'deletes', poplib: 'keeps', own: 'deletes' } as const;
const ALL_DELETE = { mpop: 'deletes', poplib: 'deletes' } as const;

const EACH_DELETES = {
  fetchmail: 'deletes',
  mpop: 'deletes',
  getmail: 'deletes',
  poplib: 'deletes',
  own: 'deletes',
} as const;

const CASES = [
  { letGo: 'keep', kinds: TWO, leaves: false },
  { letGo: 'remove', kinds: FIVE, leaves: false },
  { letGo: 'remove', kinds: ALL_DELETE, leaves: true },
] as const;

for (const { letGo, kinds, leaves } of CASES) {
  const names = Object.entries(kinds).map((entry) => entry.join(' '));
  test(`nobody misses a message or gets one twice, while IMAP moves and deletes (${letGo}; ${names.join(', ')})`, async (t) => {
    const found = await cast(t, letGo, kinds);
    if (found === undefined) return;
    const { office, letters, programs } = found;
    await letters.deliver(10);
    await Promise.all([letters.deliver(6), all(programs, (program) => program.fetch())]);
    await all(programs, (program) => program.fetch());
    await assertInbox(office, leaves ? [] : letters.all);

    // Moved away and back: for those who had it, it is the same.
    const [phone] = office.devices('anna', ['phone']);
    if (!leaves) {
      await phone.imap(async (session) => {
        await moveTo(session, 'Archive', [1, 2]);
        await session.command('SELECT Archive');
        await moveTo(session, 'INBOX', [1, 2]);
      });
    }

    // While all are about to say QUIT, and some have marked these as deleted, IMAP moves one away and deletes another.
    await letters.deliver(4);
    const { quit, ended } = await untilQuit(programs);
    await phone.imap(async (session) => {
      await moveTo(session, 'Archive', [17]);
      await session.command(`UID STORE ${await uidOf(session, 18)} +FLAGS.SILENT (\\Deleted)`);
      await session.command('EXPUNGE');
    });
    quit();
    await ended;
    await all(programs, (program) => program.fetch());
    for (const program of programs) await program.assertHas(letters.all);
    await assertInbox(office, leaves ? [] : letters.without(17, 18));
    await phone.imap(async (session) => {
      await session.command('SELECT Archive');
      assert.deepEqual(await session.uids(), [await uidOf(session, 17)], 'what was moved is left alone');
    });
  });
}

async function uidOf(session: ImapDevice, number: number): Promise<number | undefined> {
  return (await session.uids(`SUBJECT "${subject(number)}"`))[0];
}

async function moveTo(session: ImapDevice, folder: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await session.command(`UID MOVE ${await uidOf(session, number)} ${folder}`);
}

/** After trouble: nobody misses anything, nor has it twice who keeps account at once; what any of them is still shown is there, and nothing else. */
async function assertRecovered({ office, letters, programs }: Cast): Promise<void> {
  await all(programs, (program) => program.fetch());
  const held = new Set<string>();
  for (const program of programs) {
    const isOurs = program.kind === 'poplib' || program.kind === 'own';
    await (isOurs ? program.assertHas(letters.all) : program.assertMissesNothing(letters.all));
    const seen = await program.sees();
    if (isOurs) assert.deepEqual(seen, [], program.kind);
    for (const each of seen) held.add(each);
  }
  await assertInbox(
    office,
    letters.all.filter((each) => held.has(subjectOf(each))),
  );
}

test('a line that breaks in the middle of a message deletes nothing, and nobody misses anything', async (t) => {
  const random = new Random(seed(t));
  const found = await cast(t, 'remove', EACH_DELETES);
  if (found === undefined) return;
  const { office, letters, programs } = found;
  await letters.deliver(10);
  const bytes = letters.all.join('').length;
  for (const { line } of programs) line.breakAfter(random.between(1_000, bytes));
  await all(programs, (program) => program.attempt());
  for (const program of programs) assert.equal((await program.sees()).length, letters.all.length, program.kind);
  await assertInbox(office, letters.all);
  await assertRecovered(found);
});

test('killed while all are in QUIT, the office has let go all that one marked or nothing, and nobody misses anything', async (t) => {
  const random = new Random(seed(t));
  const found = await cast(t, 'remove', EACH_DELETES);
  if (found === undefined) return;
  const { office, letters, programs } = found;
  for (let round = 1; round < ROUNDS; round += 1) {
    await letters.deliver(10);
    const marked = letters.all.slice(-10).map(subjectOf);
    const { quit, ended } = await untilQuit(programs);
    quit();
    await setTimeout(random.between(0, 10));
    await office.kill();
    await ended;
    await office.start();
    for (const program of programs) {
      const seen = await program.sees();
      const left = marked.filter((each) => seen.includes(each)).length;
      assert.ok(left === 0 || left === marked.length, `${program.kind} is shown ${left} of ${marked.length}`);
    }
    await assertRecovered(found);
  }
});

/** Fewer are let go on the event loop, more by the worker. */
for (const count of [200, 1_600]) {
  test(`a kill in QUIT lets go all ${count} messages or none`, async (t) => {
    const random = new Random(seed(t));
    const { office } = await clientOffice(t, { config: '[pop3]\nletGo = "remove"' });
    const password = await appPassword(office, 'laptop');
    const [phone] = office.devices('anna', ['phone']);
    const letters = new Letters(office);
    const outcomes = { all: 0, none: 0 };
    let longest = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      await letters.deliver(25);
      await phone.imap(async (session) => {
        for (let there = 25; there < count; there *= 2) await session.command('COPY 1:* INBOX');
      });
      const session = await Pop3Device.signIn(office.port('pop3'), office.address('anna'), password);
      const listed = (await session.uidl()).length;
      session.send(Array.from({ length: listed }, (_, index) => `DELE ${index + 1}\r\n`).join(''));
      for (let number = 1; number <= listed; number += 1) await session.ok();
      const begun = performance.now();
      session.send('QUIT\r\n');
      const answered = session.ok().then(
        () => true,
        () => false,
      );
      // The first tells how long it takes.
      if (round === 1) {
        assert.ok(await answered);
        longest = performance.now() - begun;
      } else await Promise.race([answered, setTimeout(random.between(0, Math.ceil(longest)))]);
      await office.kill();
      const acknowledged = await answered;
      await office.start();
      const left = await phone.imap((imap) => imap.uids());
      assert.ok(left.length === 0 || (left.length === listed && !acknowledged), `${left.length} of ${listed} are left`);
      outcomes[left.length === 0 ? 'all' : 'none'] += 1;
      if (left.length > 0)
        await phone.imap((imap) =>
          imap.command('STORE 1:* +FLAGS.SILENT (\\Deleted)').then(() => imap.command('EXPUNGE')),
        );
    }
    t.diagnostic(`all were let go ${outcomes.all} times, none ${outcomes.none} times`);
  });
}

test('the shared password is a device beside an app password: neither misses what the other deletes', async (t) => {
  if (!needsTool(t, 'fetchmail') || !needsTool(t, 'mpop')) return;
  const room = await clientOffice(t, { config: '[pop3]\nletGo = "remove"' });
  const { office } = room;
  const letters = new Letters(office);
  const shared = await Program.at(t, room, { kind: 'fetchmail', keep: false, password: PASSWORD });
  await shared.fetch();
  // The password is used over IMAP as well, and the app password is new when mail is there.
  await assertInbox(office, []);
  const laptop = await Program.at(t, room, { kind: 'mpop', keep: false });
  await letters.deliver(10);
  await laptop.fetch();
  await assertInbox(office, letters.all);
  await shared.fetch();
  await assertInbox(office, []);
  await letters.deliver(10);
  await all([shared, laptop], (program) => program.fetch());
  for (const program of [shared, laptop]) await program.assertHas(letters.all);
  await assertInbox(office, []);
});
