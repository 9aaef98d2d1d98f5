/**
 * Random histories of a mailbox that several clients have open, against a plain model: what each client has been told must
 * always add up to what is there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../helpers/properties.ts';
import { type ImapClient, imapOffice, message } from './imap-office.ts';

const FLAGS = ['\\Seen', '\\Flagged', '\\Deleted', 'Receipt'];

/** The mailbox as it truly is: flags by UID, in UID order. */
type Model = Map<number, Set<string>>;

/** What one client knows from what it was told, and nothing else. */
class Mirror {
  readonly client: ImapClient;
  readonly messages: { uid: number | null; flags: Set<string> | null }[] = [];

  constructor(client: ImapClient) {
    this.client = client;
  }

  /** Gives a command and learns from its responses. `counts`: it is one during which no removal may be told. */
  async give(command: string, counts = false): Promise<void> {
    const { untagged, tagged } = await this.client.command(command);
    assert.match(tagged, /^(?:OK|NO \[EXPUNGEISSUED\]) /, `${command}: ${tagged}`);
    for (const line of untagged) {
      assert.ok(!(counts && line.endsWith(' EXPUNGE')), `${command} was answered ${line} (RFC 9051 7.5.1)`);
      this.#learn(line);
    }
  }

  #learn(line: string): void {
    const [, number, word] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
    if (number === undefined) return;
    const n = Number(number);
    if (word === 'EXISTS') {
      assert.ok(n >= this.messages.length, `${line}: there were ${this.messages.length} (RFC 9051 7.4.1)`);
      while (this.messages.length < n) this.messages.push({ uid: null, flags: null });
      return;
    }
    const known = this.messages[n - 1];
    assert.ok(known !== undefined, `${line}: the client knows ${this.messages.length} messages`);
    if (word === 'EXPUNGE') {
      this.messages.splice(n - 1, 1);
      return;
    }
    const uid = /UID (\d+)/.exec(line)?.[1];
    const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1];
    if (uid !== undefined) {
      assert.ok(known.uid === null || known.uid === Number(uid), `${line}: the client knows it as UID ${known.uid}`);
      known.uid = Number(uid);
    }
    if (flags !== undefined) {
      known.flags = new Set(flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent'));
    }
  }
}

type How = 'FLAGS' | '+FLAGS' | '-FLAGS';

type Step =
  | { readonly do: 'append'; readonly flags: readonly string[] }
  | {
      readonly do: 'store';
      readonly at: number;
      readonly to: number;
      readonly how: How;
      readonly flags: readonly string[];
      readonly silent: boolean;
      readonly byUid: boolean;
    }
  | { readonly do: 'expunge' | 'noop' | 'fetch' | 'search' }
  | { readonly do: 'uid expunge' | 'move' | 'copy' | 'read'; readonly at: number };

const at = fc.nat(20);
const flags = fc.subarray(FLAGS);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), flags }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('store' as const),
      at,
      to: at,
      how: fc.constantFrom<How>('FLAGS', '+FLAGS', '-FLAGS'),
      flags,
      silent: fc.boolean(),
      byUid: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('expunge', 'noop', 'fetch', 'search') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('uid expunge', 'move', 'copy', 'read'), at }) },
);

function changed(old: ReadonlySet<string>, how: How, names: readonly string[]): Set<string> {
  if (how === 'FLAGS') return new Set(names);
  return how === '+FLAGS' ? new Set([...old, ...names]) : new Set([...old].filter((flag) => !names.includes(flag)));
}

/** One run: its steps by one of the clients each, done to the real mailbox and to the model. */
class History {
  readonly model: Model = new Map();
  readonly #mailbox: string;
  #uidnext = 1;

  constructor(mailbox: string) {
    this.#mailbox = mailbox;
  }

  async take(mirror: Mirror, step: Step): Promise<void> {
    const { model } = this;
    const { messages } = mirror;
    switch (step.do) {
      case 'append': {
        const text = message({ Subject: 'x' });
        model.set(this.#uidnext++, new Set(step.flags));
        await mirror.give(`APPEND ${this.#mailbox} (${step.flags.join(' ')}) {${text.length}+}\r\n${text}`);
        return;
      }
      case 'noop':
        return mirror.give('NOOP');
      case 'fetch':
        return messages.length === 0 ? mirror.give('CHECK') : mirror.give('FETCH 1:* (UID FLAGS)', true);
      case 'search':
        return mirror.give('SEARCH SEEN', true);
      case 'expunge':
        for (const [uid, set] of model) if (set.has('\\Deleted')) model.delete(uid);
        return mirror.give('EXPUNGE');
    }
    if (messages.length === 0) return;
    while (messages.some(({ uid }) => uid === null)) await mirror.give('FETCH 1:* (UID FLAGS)', true);
    const n = (step.at % messages.length) + 1;
    const uid = messages[n - 1]!.uid!;
    const there = model.get(uid);
    switch (step.do) {
      case 'store': {
        const m = (step.to % messages.length) + 1;
        const [low, high] = [Math.min(n, m), Math.max(n, m)];
        const named = messages.slice(low - 1, high);
        for (const known of named) {
          const truly = model.get(known.uid!);
          if (truly !== undefined) model.set(known.uid!, changed(truly, step.how, step.flags));
          // A client takes its own silent change for done.
          if (step.silent && known.flags !== null) known.flags = changed(known.flags, step.how, step.flags);
        }
        const set = step.byUid ? `${named[0]!.uid}:${named.at(-1)!.uid}` : `${low}:${high}`;
        const item = `${step.how}${step.silent ? '.SILENT' : ''} (${step.flags.join(' ')})`;
        if (step.byUid) return mirror.give(`UID STORE ${set} ${item}`);
        return mirror.give(`STORE ${set} ${item}`, true);
      }
      case 'uid expunge':
        if (there?.has('\\Deleted')) model.delete(uid);
        return mirror.give(`UID EXPUNGE ${uid}`);
      case 'move':
        model.delete(uid);
        return mirror.give(`UID MOVE ${uid} Trash`);
      case 'copy':
        if (there === undefined) return mirror.give('NOOP');
        model.set(this.#uidnext++, new Set(there));
        return mirror.give(`UID COPY ${uid} ${this.#mailbox}`);
      case 'read':
        there?.add('\\Seen');
        return mirror.give(`UID FETCH ${uid} BODY[TEXT]`);
    }
  }

  /** After a NOOP a client knows everything. */
  assertKnown({ messages }: Mirror): void {
    assert.equal(messages.length, this.model.size);
    const uids = [...this.model.keys()];
    messages.forEach(({ uid, flags }, index) => {
      assert.ok(uid === null || uid === uids[index], `message ${index + 1} is UID ${uids[index]}, not ${uid}`);
      if (flags === null) return;
      assert.deepEqual([...flags].sort(), [...this.model.get(uids[index]!)!].sort(), `flags of UID ${uids[index]}`);
    });
  }
}

test('what every client was told adds up to what is in the mailbox', async (t) => {
  const office = await imapOffice(t);
  const clients = [await office.signIn(), await office.signIn(), await office.signIn()];
  await clients[2]!.ok('ENABLE IMAP4rev2');
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), step), { minLength: 1, maxLength: 40 }), async (steps) => {
      const mailbox = `Box${++run}`;
      await clients[0]!.ok(`CREATE ${mailbox}`);
      for (const client of clients) await client.ok(`SELECT ${mailbox}`);
      const history = new History(mailbox);
      const mirrors = clients.map((client) => new Mirror(client));
      for (const [who, step] of steps) await history.take(mirrors[who]!, step);
      for (const mirror of mirrors) {
        await mirror.give('NOOP');
        history.assertKnown(mirror);
        if (mirror.messages.length > 0) await mirror.give('UID FETCH 1:* FLAGS');
        history.assertKnown(mirror);
      }
    }),
    { numRuns: 60 },
  );
});

test('clients that change a mailbox all at once agree in the end', async (t) => {
  const office = await imapOffice(t);
  const clients = [await office.signIn(), await office.signIn(), await office.signIn()];
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 15 }), { minLength: 3, maxLength: 3 }), async (all) => {
      const mailbox = `Busy${++run}`;
      await clients[0]!.ok(`CREATE ${mailbox}`);
      for (const client of clients) await client.ok(`SELECT ${mailbox}`);
      const mirrors = clients.map((client) => new Mirror(client));
      await Promise.all(
        mirrors.map(async (mirror, who) => {
          const own = new History(mailbox); // its model is of no use here: the others change the mailbox too
          for (const one of all[who]!) await own.take(mirror, one);
        }),
      );
      const truth = new Mirror(await office.signIn());
      await truth.give(`SELECT ${mailbox}`);
      for (const mirror of mirrors) await mirror.give('NOOP');
      for (const mirror of [truth, ...mirrors]) {
        if (mirror.messages.length > 0) await mirror.give('UID FETCH 1:* FLAGS');
      }
      for (const mirror of mirrors) assert.deepEqual(mirror.messages, truth.messages);
      truth.client.destroy();
    }),
    { numRuns: 15 },
  );
});
