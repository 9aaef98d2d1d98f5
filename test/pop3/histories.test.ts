/**
 * Random histories of a person with several POP3 devices, and IMAP beside them, against a model of what each device must and may see.
 *
 * Every device keeps the ids it has seen, as mail programs do, and fetches what is new to it; some delete what they have fetched. Lines break at
 * any point. RAINMAIL_POP3_HISTORIES says how many histories (npm run test:pop3: ten thousand); a failure tells its seed.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { LetGoRule } from '../../src/store/devices.ts';
import type { Uid } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import type { Client } from '../helpers/mail-room.ts';
import { type Device, type DeviceRoom, deviceRoom, letter, subjectOf } from './device-room.ts';

const HISTORIES = Number(process.env['RAINMAIL_POP3_HISTORIES'] ?? 30);
const STEPS = 30;

/** A mail program with its memory. */
interface Program {
  readonly device: Device;
  readonly deletes: boolean;
  /** Ids it has fetched, with the subject each had. */
  readonly had: Map<string, string>;
  /** Subjects it has deleted, with a QUIT that succeeded. */
  readonly letGo: Set<string>;
  met: boolean;
}

class History {
  readonly #room: DeviceRoom;
  readonly #rule: LetGoRule;
  readonly #random: (below: number) => number;
  readonly #programs: Program[];
  /** Subjects that must be in INBOX. */
  readonly #inbox = new Set<string>();
  readonly #archived = new Set<string>();
  /** UIDL by subject: never another one. */
  readonly #ids = new Map<string, string>();
  #delivered = 0;

  constructor(room: DeviceRoom, rule: LetGoRule, programs: Program[], random: (below: number) => number) {
    this.#room = room;
    this.#rule = rule;
    this.#programs = programs;
    this.#random = random;
  }

  async step(): Promise<void> {
    const choice = this.#random(10);
    if (choice < 3) await this.#deliver();
    else if (choice < 8) await this.#session(this.#programs[this.#random(this.#programs.length)]!);
    else await this.#byImap();
  }

  /** Everybody fetches once more; then nobody has missed anything, and nothing is there that should have gone. */
  async end(): Promise<void> {
    for (const program of this.#programs) await this.#session(program, 'whole');
    for (const { had, met } of this.#programs) {
      assert.ok(met);
      const subjects = new Set(had.values());
      assert.equal(subjects.size, had.size, 'a program with a memory has every message once');
      for (const subject of this.#inbox) assert.ok(subjects.has(subject), `${subject} was missed`);
    }
    assert.deepEqual((await this.#room.subjects()).sort(), [...this.#inbox].sort());
  }

  async #deliver(): Promise<void> {
    this.#delivered += 1;
    const subject = `Letter ${this.#delivered}`;
    await this.#room.deliver('anna', letter(subject));
    this.#inbox.add(subject);
  }

  async #session(program: Program, manner: 'any' | 'whole' = 'any'): Promise<void> {
    program.met = true;
    const client = await program.device.open();
    const visible = new Set([...this.#inbox].filter((subject) => !program.letGo.has(subject)));
    const listed = (await client.lines('UIDL')).split('\r\n').slice(0, -1);
    assert.equal(listed.length, visible.size, 'as many messages as the device must see');
    const breaks = manner === 'any' && this.#random(3) === 0 ? this.#random(listed.length + 1) : -1;
    const marked: string[] = [];
    for (const [index, line] of listed.entries()) {
      if (index === breaks) return this.#break(client);
      const [number, id] = line.split(' ');
      const subject = program.had.get(id!) ?? (await this.#retrieve(client, program, number!, id!));
      assert.ok(visible.has(subject), `${subject} must not be seen`);
      const known = this.#ids.get(subject) ?? id!;
      assert.equal(id, known, 'an id never changes');
      this.#ids.set(subject, id!);
      if (!program.deletes || this.#random(4) === 0) continue;
      assert.match(await client.ask(`DELE ${number}`), /^\+OK /);
      marked.push(subject);
    }
    if (breaks === listed.length) return this.#break(client);
    // Meanwhile somebody else may have changed the mailbox: the session's QUIT must not suffer from it.
    const left = manner === 'any' && this.#random(3) === 0 ? await this.#byImap() : null;
    assert.match(await client.ask('QUIT'), /^\+OK /);
    // DELE named the message where it was: one that was moved away meanwhile is left alone.
    const gone = marked.filter((subject) => subject !== left);
    for (const subject of gone) program.letGo.add(subject);
    this.#settle(gone);
  }

  async #retrieve(client: Client, { had }: Program, number: string, id: string): Promise<string> {
    const message = await client.lines(`RETR ${number}`);
    const subject = subjectOf(message);
    assert.ok(message.endsWith(letter(subject).replaceAll('\n', '\r\n')), 'the message is whole, and itself');
    had.set(id, subject);
    return subject;
  }

  /** The line breaks, perhaps within QUIT: nothing is deleted. */
  async #break(client: Client): Promise<void> {
    const quit = 'QUIT';
    client.send(quit.slice(0, this.#random(quit.length + 1)));
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.socket.destroy();
    await closed;
  }

  /** What the rule does when a device has let messages go. */
  #settle(subjects: readonly string[]): void {
    if (this.#rule.kind !== 'remove') return;
    const devices = this.#programs.filter(({ met }) => met);
    for (const subject of subjects) {
      if (!this.#inbox.has(subject) || !devices.every(({ letGo }) => letGo.has(subject))) continue;
      this.#inbox.delete(subject);
      for (const { had } of devices)
        assert.ok([...had.values()].includes(subject), 'nobody let go what it had not had');
    }
  }

  /** Another program, over IMAP: deletes, moves away, moves back. @returns the subject of what left INBOX */
  async #byImap(): Promise<string | null> {
    const { store, account } = this.#room;
    const inbox = { account, mailbox: INBOX };
    const mailboxes = await store.mailboxes(account);
    const archive = { account, mailbox: mailboxes.find(({ path }) => path === 'Archive')!.id };
    const [from, to] = this.#random(3) === 0 ? [archive, inbox] : [inbox, archive];
    const chosen = await this.#choose(from);
    if (chosen === null) return null;
    const moves = this.#random(2) === 0;
    if (moves) await store.move(from, [chosen.uid], to);
    else await store.expunge(from, [chosen.uid]);
    const [left, entered] = from === inbox ? [this.#inbox, this.#archived] : [this.#archived, this.#inbox];
    left.delete(chosen.subject);
    if (moves) entered.add(chosen.subject);
    return from === inbox ? chosen.subject : null;
  }

  async #choose(key: {
    account: DeviceRoom['account'];
    mailbox: typeof INBOX;
  }): Promise<{ uid: Uid; subject: string } | null> {
    const { store } = this.#room;
    const view = await store.view(key);
    if (view.length === 0) return null;
    const index = this.#random(view.length);
    const [email] = await store.emails(key.account, [view.email(index)]);
    return { uid: view.uid(index), subject: email!.analysis.subject };
  }
}

/** A fixed generator: a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 1) % 2_147_483_647;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

async function run(t: TestContext, rule: LetGoRule, seeds: Iterable<number>): Promise<void> {
  const room = await deviceRoom(t, { storeOptions: { letGoRule: rule } });
  for (const seed of seeds) {
    const random = generator(seed);
    const programs: Program[] = [];
    for (let number = random(2) === 0 ? 2 : 5; number > 0; number -= 1) {
      const device = await room.device(`device ${number}`);
      programs.push({ device, deletes: random(3) > 0, had: new Map(), letGo: new Set(), met: false });
    }
    try {
      const history = new History(room, rule, programs, random);
      for (let step = 0; step < STEPS; step += 1) await history.step();
      await history.end();
    } catch (error) {
      throw new Error(`history ${seed} with the rule ${rule.kind} went wrong`, { cause: error });
    }
    await tidy(room, programs.length);
  }
  assert.deepEqual((await room.store.verify()).findings, []);
}

/** An empty mailbox without devices, for the next history. */
async function tidy(room: DeviceRoom, devices: number): Promise<void> {
  const { store, account, directory } = room;
  for (const { id: mailbox, total } of await store.mailboxes(account)) {
    if (total === 0) continue;
    const view = await store.view({ account, mailbox });
    await store.expunge(
      { account, mailbox },
      Array.from({ length: view.length }, (_, index) => view.uid(index)),
    );
  }
  for (let number = devices; number > 0; number -= 1) {
    await directory.by('the test').revokeAppPassword('anna@office.test', `device ${number}`);
  }
}

test('the model would notice: with one password for all, programs do miss what others delete', async (t) => {
  const room = await deviceRoom(t, { storeOptions: { letGoRule: { kind: 'remove' } } });
  const program = (deletes: boolean): Program => ({
    ...{ device: room.shared, deletes, met: false },
    ...{ had: new Map(), letGo: new Set() },
  });
  const history = new History(room, { kind: 'remove' }, [program(true), program(false)], generator(1));
  await assert.rejects(async () => {
    for (let step = 0; step < STEPS; step += 1) await history.step();
    await history.end();
  }, assert.AssertionError);
});

for (const kind of ['remove', 'keep'] as const) {
  test(`no device misses a message or gets one twice, whatever the others do (${kind})`, async (t) => {
    const half = Math.ceil(HISTORIES / 2);
    const first = kind === 'remove' ? 1 : half + 1;
    await run(
      t,
      { kind },
      Array.from({ length: half }, (_, index) => first + index),
    );
  });
}
