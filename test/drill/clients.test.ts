/**
 * The disk dies, and the server comes back as it was at its last backup. Mail programs that had synchronised since, with what is lost now, must
 * see nothing twice, lose nothing that the backup has, and get everything that comes afterwards.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { clientOffice, deliverMany, numbered } from '../clients/client.ts';
import { Fetchmail } from '../clients/fetchmail.ts';
import { Laptop, subjectsAt } from '../clients/laptop.ts';
import { subjectOf } from '../clients/maildir.ts';
import { ImapDevice } from '../helpers/line-client.ts';
import { PASSWORD } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { InsuredOffice } from './insured-office.ts';

const LETTERS = 25;
const LATE = 8;
const NEW = 12;

/** What clients know when the server dies: the backup's state, and what came and changed after it. */
async function untilTheDisaster(insured: InsuredOffice, mirror: () => Promise<void>, fetch?: () => Promise<void>) {
  const { office } = insured;
  const [phone] = office.devices('anna', ['phone']);
  await deliverMany(office, 'anna', LETTERS);
  await mirror();
  await insured.backUp();
  await deliverMany(office, 'anna', LATE, 'Late');
  await fetch?.();
  await phone.imap(async (session) => {
    const uid = async (subject: string) => (await session.uids(`HEADER SUBJECT "${subject}"`))[0]!;
    await session.command(`UID STORE ${await uid('Letter 5')} +FLAGS (\\Flagged)`);
    await session.command(`UID STORE ${await uid('Letter 6')} +FLAGS (\\Deleted)`);
    await session.command('EXPUNGE');
    await session.append('Archive', 'Subject: Filed after the backup\r\n\r\nHello.\r\n');
  });
  await mirror();
  await insured.disaster();
}

async function syncedLaptop(t: TestContext) {
  if (!needsTool(t, 'mbsync') || !needsTool(t, 'fetchmail')) return undefined;
  const { office, home } = await clientOffice(t);
  const insured = await InsuredOffice.at(office);
  const laptop = await Laptop.at(office, home);
  const fetchmail = await Fetchmail.at(office, home);
  await untilTheDisaster(
    insured,
    () => laptop.sync(),
    () => fetchmail.fetch({ keep: true, tls: 'none' }),
  );
  return { office, insured, laptop, fetchmail };
}

const fetched = async (fetchmail: Fetchmail): Promise<string[]> => (await fetchmail.received()).map(subjectOf).sort();

test('mbsync and fetchmail of before see nothing twice and lose nothing of the backup, and new mail reaches them', async (t) => {
  const { office, insured, laptop, fetchmail } = (await syncedLaptop(t)) ?? {};
  if (office === undefined) return;
  await insured!.restore();
  await deliverMany(office, 'anna', NEW, 'New');
  await laptop!.sync();
  await fetchmail!.fetch({ keep: true, tls: 'none' });

  const backedUp = numbered(LETTERS);
  const arrived = numbered(NEW, 'New');
  assert.deepEqual(await subjectsAt(office, 'INBOX'), [...backedUp, ...arrived].sort());
  // The laptop had removed this one, and was told so; a UID it has seen go does not come again to it.
  const known = backedUp.filter((subject) => subject !== 'Letter 6');
  assert.deepEqual(await laptop!.inbox.subjects(), [...known, ...arrived].sort());
  assert.deepEqual(await laptop!.folder('Archive').subjects(), []);
  assert.deepEqual(await fetched(fetchmail!), [...backedUp, ...numbered(LATE, 'Late'), ...arrived].sort());
  await laptop!.settled();
  await fetchmail!.fetch({ keep: true, tls: 'none' });
  assert.equal((await fetched(fetchmail!)).length, LETTERS + LATE + NEW);
});

test('after a restore that gives numbers again, new mail does not reach them: so this drill can fail', async (t) => {
  const { office, insured, laptop, fetchmail } = (await syncedLaptop(t)) ?? {};
  if (office === undefined) return;
  await insured!.restoreCarelessly();
  await deliverMany(office, 'anna', NEW, 'New');
  await laptop!.sync();
  await fetchmail!.fetch({ keep: true, tls: 'none' });
  const reachedBy = (subjects: readonly string[]) => subjects.filter((subject) => subject.startsWith('New')).length;
  assert.ok(reachedBy(await laptop!.inbox.subjects()) < NEW);
  assert.ok(reachedBy(await fetched(fetchmail!)) < NEW);
});

test('a client with CONDSTORE that knows changes which were lost is told how everything is', async (t) => {
  const { office } = await clientOffice(t);
  const insured = await InsuredOffice.at(office);
  let known: { readonly uidvalidity: number; readonly modseq: number; readonly uidnext: number } | undefined;
  await untilTheDisaster(insured, async () => {
    const session = await ImapDevice.signIn(office.port('imap'), office.address('anna'), PASSWORD);
    known = await selected(session);
    session.close();
  });
  await insured.restore();

  const session = await ImapDevice.signIn(office.port('imap'), office.address('anna'), PASSWORD);
  const now = await selected(session);
  assert.equal(now.uidvalidity, known!.uidvalidity);
  assert.ok(now.modseq > known!.modseq && now.uidnext > known!.uidnext);
  const { untagged } = await session.command(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${known!.modseq})`);
  const told = untagged.filter((line) => / FETCH /.test(line));
  assert.equal(told.length, LETTERS);
  assert.ok(told.every((line) => !line.includes('\\Flagged')));
  const uid = await session.append('INBOX', 'Subject: New\r\n\r\nHello.\r\n');
  assert.ok(uid >= now.uidnext);
  session.close();
});

async function selected(session: ImapDevice) {
  const { untagged } = await session.command('SELECT INBOX (CONDSTORE)');
  const value = (name: string) => Number(new RegExp(`\\[${name} (\\d+)\\]`).exec(untagged.join('\n'))![1]);
  return { uidvalidity: value('UIDVALIDITY'), modseq: value('HIGHESTMODSEQ'), uidnext: value('UIDNEXT') };
}
