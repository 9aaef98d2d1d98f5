/**
 * A random history of a person with several POP3 devices, and IMAP beside them, and the model of what each device must and may see.
 *
 * Every device keeps the ids it has seen, as mail programs do, and fetches what is new to it; some delete what they have fetched. Lines break at
 * any point, other programs move and remove messages meanwhile, administrators bring back what was removed, from what is kept and from backups.
 */
import assert from 'node:assert/strict';
import type { LetGoRule } from '../../src/store/devices.ts';
import { sql } from '../../src/store/engine/sql.ts';
import type { Uid } from '../../src/store/ids.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import type { Client } from '../helpers/mail-room.ts';
import { type Device, type DeviceRoom, letter, subjectOf } from './device-room.ts';

const FORGET = sql('DELETE FROM device_message WHERE account_id = ? AND credential_id = ?');

/** A mail program with its memory. */
export interface Program {
  device: Device;
  readonly deletes: boolean;
  /** Ids it has fetched, with the subject each had. */
  readonly had: Map<string, string>;
  /** Subjects it has deleted, with a QUIT that succeeded, and that nobody brought back since. */
  letGo: Set<string>;
  /** The server knows it. */
  met: boolean;
}

export function program(device: Device, deletes: boolean): Program {
  return { device, deletes, had: new Map(), letGo: new Set(), met: false };
}

type Folder = 'inbox' | 'archive';

/** What the server must have. */
interface Mail {
  /** By subject. */
  readonly there: Map<string, Folder>;
  /** Where it was, of what was removed and can come back. */
  readonly removed: Map<string, Folder>;
}

/** The mail and what the server knows of the devices, at a backup. */
export interface Remembered extends Mail {
  readonly devices: readonly Pick<Program, 'letGo' | 'met'>[];
}

export interface HistoryOptions {
  readonly rule: LetGoRule;
  readonly programs: readonly Program[];
  /** What subjects begin with: no other history's do. */
  readonly name: string;
  readonly random: (below: number) => number;
  /** A mistake the model must notice: what a device let go is forgotten when it was moved meanwhile. */
  readonly forgetsMoved?: boolean;
}

export class History {
  readonly programs: readonly Program[];
  #room: DeviceRoom;
  readonly #options: HistoryOptions;
  #mail: Mail = { there: new Map(), removed: new Map() };
  /** UIDL by subject: never another one, and never another message's. */
  readonly #ids = new Map<string, string>();
  #delivered = 0;

  constructor(room: DeviceRoom, options: HistoryOptions) {
    this.#room = room;
    this.#options = options;
    this.programs = options.programs;
  }

  async step(): Promise<void> {
    const choice = this.#random(21);
    if (choice < 6) await this.#deliver();
    else if (choice < 15) await this.#session(this.#anyProgram());
    else if (choice < 18) await this.#byImap();
    else if (choice < 19) await this.#undelete();
    else if (choice < 20) await this.#purge();
    else await this.#settleAll();
  }

  /** Everybody fetches once more; then nobody has missed anything, and nothing is there that should have gone. */
  async end(): Promise<void> {
    for (const each of this.programs) await this.#session(each, 'whole');
    for (const { had, met } of this.programs) {
      assert.ok(met);
      const subjects = new Set(had.values());
      assert.equal(subjects.size, had.size, 'a program with a memory has every message once');
      for (const subject of this.#in('inbox')) assert.ok(subjects.has(subject), `${subject} was missed`);
    }
    assert.deepEqual((await this.#room.subjects()).sort(), this.#in('inbox').sort());
  }

  /** The model's part of a backup. */
  remember(): Remembered {
    const { there, removed } = this.#mail;
    return {
      there: new Map(there),
      removed: new Map(removed),
      devices: this.programs.map(({ letGo, met }) => ({ letGo: new Set(letGo), met })),
    };
  }

  /**
   * The account's mail came back from a backup, merged with what is there: what was removed since is where it was removed from, what was
   * purged is where the backup has it.
   */
  mailRestored(backup: Remembered): void {
    const { there, removed } = this.#mail;
    for (const [subject, folder] of backup.there) {
      if (!there.has(subject)) this.#cameBack(subject, removed.get(subject) ?? folder);
    }
  }

  /** The whole server came back from a backup: what it knew since is lost, what the programs know is not. */
  serverRestored(room: DeviceRoom, { there, removed, devices }: Remembered): void {
    this.#room = room;
    this.#mail = { there: new Map(there), removed: new Map(removed) };
    for (const [index, each] of this.programs.entries()) {
      const { letGo, met } = devices[index]!;
      each.device = each.device.at(room);
      each.letGo = new Set(letGo);
      each.met = met;
    }
  }

  #random(below: number): number {
    return this.#options.random(below);
  }

  #anyProgram(): Program {
    return this.programs[this.#random(this.programs.length)]!;
  }

  #in(folder: Folder): string[] {
    return [...this.#mail.there].filter(([, where]) => where === folder).map(([subject]) => subject);
  }

  async #deliver(): Promise<void> {
    this.#delivered += 1;
    const subject = `${this.#options.name} ${this.#delivered}`;
    await this.#room.deliver('anna', letter(subject));
    this.#mail.there.set(subject, 'inbox');
  }

  async #session(one: Program, manner: 'any' | 'whole' | 'between' = 'any'): Promise<void> {
    one.met = true;
    const client = await one.device.open();
    const visible = new Set(this.#in('inbox').filter((subject) => !one.letGo.has(subject)));
    const listed = (await client.lines('UIDL')).split('\r\n').slice(0, -1);
    assert.equal(listed.length, visible.size, 'as many messages as the device must see');
    const breaks = manner !== 'whole' && this.#random(3) === 0 ? this.#random(listed.length + 1) : -1;
    const marked: string[] = [];
    for (const [index, line] of listed.entries()) {
      if (index === breaks) return this.#break(client);
      const [number, id] = line.split(' ');
      const subject = one.had.get(id!) ?? (await this.#retrieve(client, one, number!, id!));
      assert.ok(visible.has(subject), `${subject} must not be seen`);
      this.#checkId(subject, id!);
      if (!one.deletes || this.#random(4) === 0) continue;
      assert.match(await client.ask(`DELE ${number}`), /^\+OK /);
      marked.push(subject);
    }
    if (breaks === listed.length) return this.#break(client);
    // Meanwhile somebody else may change the mailbox: the session's QUIT must not suffer from it.
    for (let steps = manner === 'any' ? this.#random(4) : 0; steps > 0; steps -= 1) await this.#meanwhile(one);
    await this.#readAgain(client, one, listed, marked);
    assert.match(await client.ask('QUIT'), /^\+OK /);
    client.socket.destroy(); // or the server would wait for our end, with thousands of others
    await this.#letGo(one, marked);
  }

  /** An id never changes, and is never another message's, whatever was restored. */
  #checkId(subject: string, id: string): void {
    assert.equal(id, this.#ids.get(subject) ?? id, 'an id never changes');
    this.#ids.set(subject, id);
  }

  async #meanwhile(during: Program): Promise<void> {
    const other = this.#anyProgram();
    if (this.#random(4) > 0) await this.#byImap();
    else if (other !== during) await this.#session(other, 'between');
  }

  /** DELE names a message in a folder: one that was moved to another stays there, but this device is not shown it again. */
  async #letGo(one: Program, marked: readonly string[]): Promise<void> {
    const { there } = this.#mail;
    const kept = marked.filter((subject) => there.has(subject));
    for (const subject of kept) one.letGo.add(subject);
    this.#settle(kept);
    const moved = kept.some((subject) => there.get(subject) === 'archive');
    if (!moved || this.#options.forgetsMoved !== true) return;
    const { store, account } = this.#room;
    await store.engine.write(async (tx) => tx.run(FORGET, account, one.device.id));
  }

  async #retrieve(client: Client, { had }: Program, number: string, id: string): Promise<string> {
    const message = await client.lines(`RETR ${number}`);
    const subject = subjectOf(message);
    assert.ok(message.endsWith(letter(subject).replaceAll('\n', '\r\n')), 'the message is whole, and itself');
    had.set(id, subject);
    return subject;
  }

  /** What a session has on its list it can retrieve, whatever others did to it meanwhile. */
  async #readAgain(
    client: Client,
    { had }: Program,
    listed: readonly string[],
    marked: readonly string[],
  ): Promise<void> {
    for (const line of listed) {
      const [number, id] = line.split(' ');
      const subject = had.get(id!)!;
      if (marked.includes(subject) || this.#random(4) > 0) continue;
      assert.equal(subjectOf(await client.lines(`RETR ${number}`)), subject);
    }
  }

  /** The line breaks, perhaps within QUIT: nothing is deleted. */
  async #break(client: Client): Promise<void> {
    const quit = 'QUIT';
    client.send(quit.slice(0, this.#random(quit.length + 1)));
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.socket.destroy();
    await closed;
  }

  /** What housekeeping does once a day. */
  async #settleAll(): Promise<void> {
    await this.#room.store.devices.settle(() => false);
    this.#settle(this.#in('inbox'));
  }

  /** What the rule does with messages that devices have let go. */
  #settle(subjects: readonly string[]): void {
    if (this.#options.rule.kind !== 'remove') return;
    const { there, removed } = this.#mail;
    const devices = this.programs.filter(({ met }) => met);
    for (const subject of subjects) {
      if (there.get(subject) !== 'inbox') continue;
      if (devices.length === 0 || !devices.every(({ letGo }) => letGo.has(subject))) continue;
      there.delete(subject);
      removed.set(subject, 'inbox');
      for (const { had } of devices)
        assert.ok([...had.values()].includes(subject), 'nobody let go what it had not had');
    }
  }

  /** Another program, over IMAP: deletes, moves away, moves back. */
  async #byImap(): Promise<void> {
    const { store } = this.#room;
    const from: Folder = this.#random(3) === 0 ? 'archive' : 'inbox';
    const to: Folder = from === 'inbox' ? 'archive' : 'inbox';
    const chosen = await this.#choose(from);
    if (chosen === null) return;
    const { there, removed } = this.#mail;
    if (this.#random(2) === 0) {
      await store.messages.move(await this.#key(from), [chosen.uid], await this.#key(to));
      there.set(chosen.subject, to);
    } else {
      await store.messages.expunge(await this.#key(from), [chosen.uid]);
      there.delete(chosen.subject);
      removed.set(chosen.subject, from);
    }
  }

  /** An administrator brings a removed message back: it is shown to every device again. */
  async #undelete(): Promise<void> {
    const { store, account } = this.#room;
    const subjects = [...this.#mail.removed.keys()];
    if (subjects.length === 0) return;
    const subject = subjects[this.#random(subjects.length)]!;
    for await (const page of store.retained.find(account, { query: this.#options.name })) {
      const found = page.find((message) => message.subject === subject);
      if (found === undefined) continue;
      const { messages } = await store.retained.restore(account, { items: [found.item], bytes: found.size }, {});
      assert.equal(messages, 1);
      this.#cameBack(subject, this.#mail.removed.get(subject)!);
      return;
    }
    assert.fail(`${subject} was removed and can't be found`);
  }

  /** What was removed goes for good. */
  async #purge(): Promise<void> {
    const { store, account } = this.#room;
    const { items } = await store.retained.choose(
      account,
      { query: this.#options.name },
      { copies: true, drafts: true },
    );
    await store.retained.purge(account, items);
    this.#mail.removed.clear();
  }

  #cameBack(subject: string, folder: Folder): void {
    this.#mail.removed.delete(subject);
    this.#mail.there.set(subject, folder);
    for (const { letGo } of this.programs) letGo.delete(subject);
  }

  async #key(folder: Folder) {
    const { store, account } = this.#room;
    if (folder === 'inbox') return { account, mailbox: INBOX };
    const archive = (await store.mailboxes.list(account)).find(({ path }) => path === 'Archive')!;
    return { account, mailbox: archive.id };
  }

  async #choose(folder: Folder): Promise<{ uid: Uid; subject: string } | null> {
    const { store, account } = this.#room;
    const view = await store.view(await this.#key(folder));
    if (view.length === 0) return null;
    const index = this.#random(view.length);
    const [email] = await store.emails(account, [view.email(index)]);
    return { uid: view.uid(index), subject: email!.analysis.subject };
  }
}

/** A fixed generator: a failure can be repeated. */
export function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 1) % 2_147_483_647;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}
