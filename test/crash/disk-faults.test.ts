/** A disk that is full or fails under the real server: what is refused, what goes on, and what is never lost. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyFolder } from '../helpers/folder.ts';
import { ImapDevice, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { buildDisk } from './disk.ts';
import { DiskFaults } from './disk-faults.ts';
import { isGone } from './load.ts';
import { messageOf, newToken, type Token, tokenOf } from './messages.ts';

interface FaultyOffice {
  readonly office: TrialOffice;
  readonly faults: DiskFaults;
  /** See {@link deliverTo}. */
  readonly deliver: (bytes?: number) => Promise<Token | undefined>;
}

/** An office whose disk can fail, with three messages for anna; undefined where that can't be had. */
async function faultyOffice(
  t: TestContext,
  internalErrors = 0,
): Promise<(FaultyOffice & { readonly first: readonly Token[] }) | undefined> {
  const folder = await emptyFolder(t);
  const disk = buildDisk(t, folder);
  if (disk === undefined) return undefined;
  const faults = new DiskFaults(t, join(folder, 'faults'));
  const office = await trialOffice(t, { people: ['anna'], config: '[store]\nreserve = "1MB"', internalErrors });
  await office.stop();
  office.environment = {
    LD_PRELOAD: disk,
    DISK_FOLDER: office.data,
    DISK_FAULTS: faults.path,
    UV_USE_IO_URING: '0',
  };
  await office.start();
  const deliver = (bytes?: number) => deliverTo(office, bytes);
  const first: Token[] = [];
  for (const bytes of [500, 5_000, 1_100_000]) first.push((await deliver(bytes))!);
  return { office, faults, deliver, first };
}

/** Hands a message over to anna. @returns its token, or undefined when it was refused for now, or nobody was there */
async function deliverTo(office: TrialOffice, bytes = 2_000): Promise<Token | undefined> {
  const token = newToken(bytes);
  try {
    await office.deliver({ to: 'anna', raw: messageOf(token) });
    return token;
  } catch (error) {
    if (!isGone(error)) assert.match(String(error), /the server said: 4\d\d /);
    return undefined;
  }
}

function reader(t: TestContext, office: TrialOffice): Promise<ImapDevice> {
  return signedIn(t, ImapDevice.signIn(office.port('imap'), office.address('anna'), PASSWORD));
}

async function signedIn<Session extends ImapDevice | Pop3Device>(t: TestContext, opening: Promise<Session>) {
  const session = await opening;
  t.after(() => session.close());
  return session;
}

/** The answer to APPEND. */
async function append(session: ImapDevice): Promise<string> {
  const text = messageOf(newToken(3_000));
  return (await session.try(`APPEND INBOX {${text.length}+}\r\n${text}`)).text;
}

/** What anna has, by POP3, each message compared with its token. */
async function whatAnnaReads(office: TrialOffice): Promise<Token[]> {
  const session = await Pop3Device.signIn(office.port('pop3'), office.address('anna'), PASSWORD);
  const tokens: Token[] = [];
  for (const [index] of (await session.uidl()).entries()) {
    const text = await session.retr(index + 1);
    const token = tokenOf(text);
    assert.ok(text.endsWith(messageOf(token)), `${token} has not the bytes that were sent`);
    tokens.push(token);
  }
  await session.quit();
  return tokens;
}

async function assertWhole(office: TrialOffice): Promise<void> {
  const { findings } = (await office.command('verify')) as { findings: readonly unknown[] };
  assert.deepEqual(findings, []);
}

for (const [name, setUp] of [
  ['nearly full', (faults: DiskFaults) => faults.tellRoom(100_000)],
  ['full', (faults: DiskFaults) => faults.leaveRoom(0)],
  ['full within a message', (faults: DiskFaults) => faults.leaveRoom(3_000)],
] as const) {
  test(`on a disk that is ${name} mail is refused for now, reading and deleting go on, and later mail is taken again`, async (t) => {
    const faulty = await faultyOffice(t);
    if (faulty === undefined) return;
    const { office, faults, deliver, first } = faulty;
    const session = await reader(t, office);
    await session.command('SELECT INBOX');

    setUp(faults);
    const taken = [...first];
    for (let token = await deliver(); token !== undefined; token = await deliver()) taken.push(token);
    assert.match(await append(session), /^NO \[/);
    assert.equal(await deliver(), undefined);
    assert.deepEqual(await whatAnnaReads(office), taken);

    await session.command('UID STORE 1 +FLAGS (\\Deleted)');
    await session.command('UID EXPUNGE 1');
    assert.deepEqual(await whatAnnaReads(office), taken.slice(1));

    faults.mend();
    let again = await deliver();
    while (again === undefined) again = await deliver(); // until the server has looked at its disk
    assert.match(await append(session), /^OK /);
    assert.deepEqual((await whatAnnaReads(office)).slice(0, -1), [...taken.slice(1), again]);
    await assertWhole(office);
  });
}

test('a large message that finds no room is refused alone', async (t) => {
  const faulty = await faultyOffice(t);
  if (faulty === undefined) return;
  const { office, faults, deliver, first } = faulty;
  faults.fail('write', 'ENOSPC', '.part');
  assert.equal(await deliver(2_000_000), undefined);
  const small = await deliver();
  assert.deepEqual(await whatAnnaReads(office), [...first, small]);
  faults.mend();
  assert.notEqual(await deliver(2_000_000), undefined);
});

test('a message that the disk can not read is refused, and everything else goes on', async (t) => {
  const faulty = await faultyOffice(t);
  if (faulty === undefined) return;
  const { office, faults, deliver, first } = faulty;
  const session = await reader(t, office);
  await session.command('SELECT INBOX');
  faults.fail('read', 'EIO', 'segments/');
  const pop3 = await signedIn(t, Pop3Device.signIn(office.port('pop3'), office.address('anna'), PASSWORD));
  await assert.rejects(pop3.retr(2), /the server said: -ERR/);
  assert.match((await session.try('UID FETCH 2 BODY.PEEK[]')).text, /^NO /);
  assert.equal((await pop3.uidl()).length, 3);
  assert.equal((await session.uids()).length, 3);
  const more = await deliver();
  faults.mend();
  assert.deepEqual(await whatAnnaReads(office), [...first, more]);
});

for (const [call, part] of [
  ['sync', '-wal'],
  ['sync', 'segments/'],
  ['write', 'segments/'],
] as const) {
  test(`when a ${call} of ${part} fails, nothing is acknowledged, the server says so and ends, and the next one recovers`, async (t) => {
    const faulty = await faultyOffice(t);
    if (faulty === undefined) return;
    const { office, faults, deliver, first } = faulty;
    faults.fail(call, 'EIO', part);
    assert.equal(await deliver(), undefined);
    const { code, log } = await office.ended();
    assert.equal(code, 1);
    assert.match(log, /the store failed/);
    assert.match(log, /EIO|disk I\/O error/);

    faults.mend();
    await office.start();
    const found = await whatAnnaReads(office);
    assert.deepEqual(found.slice(0, first.length), first);
    const next = await deliver();
    assert.equal((await whatAnnaReads(office)).at(-1), next);
    await assertWhole(office);
  });
}

test('when a write of the log fails the change is refused, and reading goes on', async (t) => {
  const faulty = await faultyOffice(t, 1);
  if (faulty === undefined) return;
  const { office, faults, deliver, first } = faulty;
  faults.fail('write', 'EIO', 'mail.db-wal');
  assert.equal(await deliver(), undefined);
  assert.deepEqual(await whatAnnaReads(office), first);
  faults.mend();
  const next = await deliver();
  assert.deepEqual(await whatAnnaReads(office), [...first, next]);
  await assertWhole(office);
});

test('a disk that fails while many deliver loses nothing that was acknowledged', async (t) => {
  const faulty = await faultyOffice(t);
  if (faulty === undefined) return;
  const { office, faults, deliver, first } = faulty;
  const taken = [...first];
  const deliverOnAndOn = async (): Promise<void> => {
    for (;;) {
      const token = await deliver();
      if (token === undefined) return;
      taken.push(token);
      if (taken.length === 30) faults.fail('sync', 'EIO', 'mail.db-wal');
    }
  };
  await Promise.all(Array.from({ length: 8 }, deliverOnAndOn));
  assert.equal((await office.ended()).code, 1);
  faults.mend();
  await office.start();
  const found = new Set(await whatAnnaReads(office));
  assert.deepEqual(
    taken.filter((token) => !found.has(token)),
    [],
  );
  await assertWhole(office);
});
