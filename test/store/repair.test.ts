/** `rainmail verify --repair`: each kind of damage to rows is found, named, and set right, and everybody's mail is there afterwards. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, type TestContext, test } from 'node:test';
import { sql } from '../../src/store/engine/sql.ts';
import { NO_FLAGS } from '../../src/store/flags.ts';
import type { AccountId } from '../../src/store/ids.ts';
import { emailKey } from '../../src/store/operations/email-key.ts';
import type { MailStore } from '../../src/store/store.ts';
import { corpus } from '../message/corpus.ts';
import {
  appendTo,
  bytesOf,
  deliver,
  inboxOf,
  mailboxNamed,
  message,
  newAccount,
  openStore,
  stage,
  temporaryFolder,
  uidsIn,
} from './helpers.ts';

const LOSE = sql('DELETE FROM email WHERE email_key = ?');

interface Desk {
  readonly folder: string;
  readonly anna: AccountId;
  readonly ben: AccountId;
}

/** Nothing comes in where the disk is nearly full; and no reserve is written. */
const READ_ONLY = { diskWatermarkBytes: Number.MAX_SAFE_INTEGER };

let original: Desk | undefined;
after(async () => {
  if (original !== undefined) await rm(original.folder, { recursive: true });
});

/** Two people with a little of everything, and nobody using the directory. */
async function desk(t: TestContext): Promise<Desk> {
  original ??= await makeDesk(t);
  const folder = await temporaryFolder(t);
  await cp(original.folder, folder, { recursive: true, filter: (path) => !path.endsWith('/reserve') });
  return { ...original, folder };
}

async function makeDesk(t: TestContext): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-desk-'));
  const store = await openStore(t, folder);
  const anna = await newAccount(store, 'anna');
  const ben = await newAccount(store, 'ben');
  for (const subject of ['one', 'two', 'three', 'four']) await deliver(store, [anna, ben], subject);
  await store.mailboxes.create(anna, 'Work/Plans');
  await appendTo(store, await mailboxNamed(store, anna, 'Work/Plans'), 'plan', ['\\Seen', 'important']);
  await appendTo(store, await mailboxNamed(store, anna, 'Archive'), 'old');
  await store.messages.expunge(inboxOf(anna), (await uidsIn(store, inboxOf(anna))).slice(3) as never);
  await store.close();
  return { folder, anna, ben };
}

function change({ folder }: Desk, ...statements: readonly string[]): void {
  const database = new DatabaseSync(join(folder, 'mail.db'));
  for (const statement of statements) {
    assert.ok(database.prepare(statement).run().changes > 0, `it changes nothing: ${statement}`);
  }
  database.close();
}

const repair = (store: MailStore) => store.repair({ actor: 'a test', onProgress: () => {} });

/** Subjects by folder, of all that a person sees. */
async function mailOf(store: MailStore, account: AccountId): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const mailbox of await store.mailboxes.list(account)) {
    if (!mailbox.selectable) continue;
    const key = { account, mailbox: mailbox.id };
    const subjects: string[] = [];
    for (const uid of await uidsIn(store, key)) {
      const text = (await bytesOf(store, key, uid)).toString();
      const subject = /Subject: (.*)\r\n/.exec(text)![1]!;
      assert.ok(text.endsWith(message(subject).toString()), `${subject} has other bytes`);
      subjects.push(subject);
    }
    if (subjects.length > 0) found[mailbox.path] = subjects;
  }
  return found;
}

const ANNAS = { INBOX: ['one', 'two', 'three'], Archive: ['old'], 'Work/Plans': ['plan'] };
const BENS = { INBOX: ['one', 'two', 'three', 'four'] };

interface Case {
  readonly what: string;
  readonly damage: (desk: Desk) => readonly string[];
  /** Findings that must be among those listed. */
  readonly found: readonly string[];
  readonly annas?: Record<string, readonly string[]>;
  readonly bens?: Record<string, readonly string[]>;
  /** Mail is delivered afterwards. */
  readonly goesOn?: boolean;
}

const CASES: readonly Case[] = [
  {
    what: 'counts of folders and accounts',
    damage: ({ anna }) => [
      `UPDATE mailbox SET total = 7, unseen = 9, size_bytes = 1 WHERE account_id = ${anna} AND mailbox_id = 1`,
      `UPDATE account SET used_bytes = 5, used_count = 1, retained_bytes = 2 WHERE account_id = ${anna}`,
    ],
    found: ['count', 'count', 'count'],
  },
  {
    what: 'a folder whose parent is gone',
    damage: ({ anna }) => [`DELETE FROM mailbox WHERE account_id = ${anna} AND name = 'Work'`],
    found: ['mailbox'],
    annas: { INBOX: ['one', 'two', 'three'], Archive: ['old'], Plans: ['plan'] },
  },
  {
    what: 'folders that stand below each other',
    damage: ({ anna }) => [
      `UPDATE mailbox SET parent_id = (SELECT mailbox_id FROM mailbox WHERE account_id = ${anna} AND name = 'Plans')
       WHERE account_id = ${anna} AND name = 'Work'`,
    ],
    found: ['mailbox'],
    annas: ANNAS,
  },
  {
    what: 'a folder with a name that nobody can write',
    damage: ({ anna }) => [
      `UPDATE mailbox SET name = 'a' || char(7) || '/b' WHERE account_id = ${anna} AND name = 'Archive'`,
    ],
    found: ['mailbox'],
    annas: { INBOX: ['one', 'two', 'three'], 'Folder 4': ['old'], 'Work/Plans': ['plan'] },
  },
  {
    what: 'an INBOX that is gone',
    damage: ({ ben }) => [`DELETE FROM mailbox WHERE account_id = ${ben} AND mailbox_id = 1`],
    found: ['mailbox', 'count'],
    bens: BENS,
    goesOn: true,
  },
  {
    what: 'messages whose folder is gone',
    damage: ({ anna }) => [`DELETE FROM mailbox WHERE account_id = ${anna} AND name = 'Archive'`],
    found: ['mailbox', 'count'],
    annas: { INBOX: ['one', 'two', 'three'], Recovered: ['old'], 'Work/Plans': ['plan'] },
  },
  {
    what: 'a message whose row is gone, but not its content',
    damage: ({ ben }) => [`DELETE FROM message WHERE account_id = ${ben} AND uid = 2`],
    found: ['email', 'count', 'count'],
    bens: { INBOX: ['one', 'three', 'four'], Recovered: ['two'] },
  },
  {
    what: 'a message whose content has no row',
    damage: ({ ben }) => [`DELETE FROM email WHERE account_id = ${ben} AND subject = 'two'`],
    found: ['email'],
    bens: { INBOX: ['one', 'three', 'four'] },
  },
  {
    what: 'numbers that are lower than what was given',
    damage: ({ anna, ben }) => [
      `UPDATE mailbox SET uidnext = 2 WHERE account_id = ${anna} AND mailbox_id = 1`,
      `UPDATE account SET next_id = 3, modseq = 1, next_uidvalidity = 5 WHERE account_id = ${ben}`,
      "UPDATE counter SET value = 1 WHERE name = 'account'",
    ],
    found: ['item', 'item', 'mailbox', 'modseq', 'uid'],
    goesOn: true,
  },
  {
    what: 'a next UID that no client could take',
    damage: ({ anna }) => [`UPDATE mailbox SET uidnext = 9000000000 WHERE account_id = ${anna} AND mailbox_id = 1`],
    found: ['uid'],
  },
  {
    what: 'two messages with one unique id',
    damage: ({ ben }) => [
      `UPDATE message SET item_id = (SELECT item_id FROM message WHERE account_id = ${ben} AND uid = 1) WHERE account_id = ${ben} AND uid = 3`,
    ],
    found: ['item'],
  },
  {
    what: 'sizes, flags and dates that can’t be',
    damage: ({ ben }) => [
      `UPDATE message SET size = 1, flags = 1048577, received = -5 WHERE account_id = ${ben} AND uid = 1`,
    ],
    found: ['count', 'count', 'email', 'item', 'item'],
  },
  {
    what: 'a present message that is told as removed',
    damage: ({ ben }) => [
      `INSERT INTO expunged (account_id, modseq, mailbox_id, uid, email_id, at) VALUES (${ben}, 3, 1, 2, 9, 1)`,
    ],
    found: ['removed'],
  },
  {
    what: 'conversations that later messages would not find',
    damage: ({ anna }) => [`DELETE FROM thread_ref WHERE account_id = ${anna}`],
    found: Array.from({ length: 6 }, () => 'thread'),
  },
  {
    what: 'what is known of a message',
    damage: ({ ben }) => [
      `UPDATE email SET envelope = '(NIL)', preview = 'x', parts = '[1' WHERE account_id = ${ben} AND subject = 'two'`,
    ],
    found: ['analysis'],
  },
  {
    what: 'a row that leads to the wrong place of a segment',
    damage: ({ ben }) => [
      `UPDATE email SET start = start + 8, segment_id = 77 WHERE account_id = ${ben} AND subject = 'two'`,
    ],
    found: ['body'],
  },
  {
    what: 'the row of an account',
    damage: ({ ben }) => [`DELETE FROM account WHERE account_id = ${ben}`],
    found: ['account'],
    bens: BENS,
    goesOn: true,
  },
  {
    what: 'mail that goes on for nobody, or to nobody',
    damage: ({ anna }) => [
      `INSERT INTO forwarding (account_id, keeps, created) VALUES (${anna}, 0, 1), (4711, 0, 1)`,
      "INSERT INTO forwarding_target (account_id, address) VALUES (4711, 'x@far.test')",
      "INSERT INTO group_outsider (group_id, address) VALUES (4711, 'x@far.test')",
      "INSERT INTO group_poster (group_id, address) VALUES (4711, 'x@far.test')",
    ],
    found: ['account', 'account', 'account', 'account'],
    goesOn: true,
  },
  {
    what: 'dead space that can’t be',
    damage: () => ['INSERT INTO segment (segment_id, dead_bytes) VALUES (1, 99999999)'],
    found: ['segment'],
  },
];

for (const { what, damage, found, annas = ANNAS, bens = BENS, goesOn = false } of CASES) {
  test(`set right: ${what}`, async (t) => {
    const office = await desk(t);
    change(office, ...damage(office));
    const store = await openStore(t, office.folder, goesOn ? {} : READ_ONLY);
    const { findings } = await store.verify();
    assert.deepEqual(findings.map(({ code }) => code).sort(), [...found].sort(), JSON.stringify(findings, null, 1));

    const repaired = await repair(store);
    assert.deepEqual(repaired.left, []);
    assert.ok(repaired.mended.length > 0);
    assert.deepEqual(await mailOf(store, office.anna), annas);
    assert.deepEqual(await mailOf(store, office.ben), bens);
    assert.deepEqual((await store.verify()).findings, []);

    const again = await repair(store);
    assert.deepEqual([again.mended, again.left], [[], []], 'a second repair found something to do');
    // What comes next finds numbers that nobody had.
    if (goesOn) {
      await deliver(store, [office.anna, office.ben], 'next');
      assert.deepEqual((await store.verify()).findings, []);
    }
    await store.close();
    if (what !== 'what is known of a message') assert.ok(audited(office).includes('verify.repair'));
  });
}

function audited({ folder }: Desk): string[] {
  const database = new DatabaseSync(join(folder, 'mail.db'), { readOnly: true });
  const rows = database.prepare('SELECT action FROM audit').all() as { action: string }[];
  database.close();
  return rows.map(({ action }) => action);
}

test('bytes that are damaged stay with their message, are named for everybody who has it, and nothing else is touched', async (t) => {
  const office = await desk(t);
  const segments = join(office.folder, 'segments');
  for (const name of await readdir(segments)) {
    const bytes = await readFile(join(segments, name));
    const at = bytes.indexOf('Subject: two');
    if (at === -1) continue;
    bytes[at + 9]! ^= 1;
    await writeFile(join(segments, name), bytes);
  }
  const store = await openStore(t, office.folder, READ_ONLY);
  const { left, mended } = await repair(store);
  assert.deepEqual(mended, []);
  assert.deepEqual(
    left.map(({ account, mailbox, uid, code }) => ({ account, mailbox, uid, code })),
    ['anna', 'ben'].map((name) => ({ account: `${name}@office.test`, mailbox: 'INBOX', uid: 2, code: 'body' })),
  );
  for (const account of [office.anna, office.ben]) {
    await assert.rejects(bytesOf(store, inboxOf(account), 2), { code: 'message.damaged' });
    for (const uid of [1, 3]) await bytesOf(store, inboxOf(account), uid);
  }
});

test('a repair beside those who read shows them what became of their folder', async (t) => {
  const office = await desk(t);
  const store = await openStore(t, office.folder, READ_ONLY);
  const before = await store.view(inboxOf(office.ben));
  await store.engine.write(async (tx) => void (await tx.run(LOSE, emailKey(office.ben, before.email(1)))));
  await repair(store);
  assert.deepEqual(await uidsIn(store, inboxOf(office.ben)), [1, 3, 4]);
});

test('no real message, however odd, is said to differ from what is kept about it', async (t) => {
  const store = await openStore(t, await temporaryFolder(t));
  const anna = await newAccount(store, 'anna');
  const messages = corpus();
  for (const { bytes } of messages) {
    await store.append(inboxOf(anna), [{ staged: await stage(store, bytes), flags: NO_FLAGS }]);
  }
  const { findings, bodies } = await store.verify();
  assert.ok(messages.length > 100 && bodies === messages.length);
  assert.deepEqual(findings, []);
});
