/** Killed and cut off at any place, and run again: nothing is lost, nothing is there twice. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../crash/random.ts';
import { trialOffice } from '../helpers/office.ts';
import { SEED } from '../helpers/seed.ts';
import { MAIN, ServerProcess } from '../helpers/server-process.ts';
import { contentsHere, contentsOf, filled, named } from './contents.ts';
import { OLD_PASSWORD, oldDovecot } from './dovecot.ts';
import { Line } from './line.ts';
import { fileOf, migrate, moveIn } from './moving.ts';
import { fillOddly } from './old-mail.ts';

const NAMES = { 'Sent Items': 'Sent', Entwürfe: 'Drafts' };
/** What the old server sends in all is some 9 MB. */
const PLACES = [30_000, 400_000, 1_500_000, 3_000_000];

const random = new Random(SEED);

function somewhere(place: number): number {
  return Math.floor(place * (0.5 + random.next()));
}

test('the server is killed (kill -9) again and again while an account moves in', async (t) => {
  const old = await oldDovecot(t, { format: 'mdbox' });
  if (old === undefined) return;
  const there = await old.client(t, 'anna');
  await fillOddly(there);
  const office = await trialOffice(t);
  const line = await Line.to(t, old.imap);
  const from = `imap://anna@127.0.0.1:${line.port}`;
  const places = PLACES.map(somewhere);
  for (const bytes of places) {
    const killed = new Promise<void>((resolve) => line.after(bytes, () => resolve(office.kill())));
    const ended = await migrate(office, office.address('anna'), '--from', from, '--insecure');
    assert.equal(ended.code, 1, `${ended.stdout}${ended.stderr}`);
    await killed;
    await office.start();
  }
  await moveIn(office, from);
  assert.deepEqual(
    filled(await contentsHere(office)),
    filled(named(await contentsOf(there), NAMES)),
    `killed after ${places}`,
  );
});

test('the command is killed (kill -9) while no server runs', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  const there = await old.client(t, 'anna');
  await fillOddly(there);
  const office = await trialOffice(t);
  await office.stop();
  const line = await Line.to(t, old.imap);
  const from = `imap://anna@127.0.0.1:${line.port}`;
  const password = await fileOf(office, 'password', `${OLD_PASSWORD}\n`);
  const args = ['migrate', office.address('anna'), '--from', from, '--insecure', '--password-file', password];
  const places = PLACES.slice(1, 3).map(somewhere);
  for (const bytes of places) {
    const command = new ServerProcess(process.execPath, [MAIN, ...args, '--data', join(office.data)]);
    line.after(bytes, () => command.signal('SIGKILL'));
    assert.equal(await command.end(), null, command.log);
  }
  await office.start();
  await moveIn(office, from);
  assert.deepEqual(
    filled(await contentsHere(office)),
    filled(named(await contentsOf(there), NAMES)),
    `killed after ${places}`,
  );
});

test('the line breaks within a large message and between small ones: one run brings all', async (t) => {
  const old = await oldDovecot(t);
  if (old === undefined) return;
  const there = await old.client(t, 'anna');
  const count = await fillOddly(there);
  const office = await trialOffice(t);
  const line = await Line.to(t, old.imap);
  const cutAgain = (bytes: number) =>
    line.after(bytes, () => {
      line.cut();
      cutAgain(2 * bytes); // so that the largest message has a chance
    });
  cutAgain(100_000 + somewhere(300_000));
  const report = await moveIn(office, `imap://anna@127.0.0.1:${line.port}`);
  assert.equal(report.brought.messages, count);
  assert.deepEqual(filled(await contentsHere(office)), filled(named(await contentsOf(there), NAMES)));
});
