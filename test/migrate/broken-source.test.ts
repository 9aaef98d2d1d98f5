/** An old server that breaks, lies and talks nonsense costs messages, not the run; and neither memory nor patience without end. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { rainmail, type TrialOffice, trialOffice } from '../helpers/office.ts';
import { clientHere } from './contents.ts';
import { moveAllIn, moveIn } from './moving.ts';
import { plain } from './old-mail.ts';
import { type Scripted, ScriptedImap } from './scripted-imap.ts';

const good = (subject: string): Scripted => ({ content: plain(subject) });

async function subjectsHere(office: TrialOffice, person = 'anna'): Promise<string[]> {
  const client = await clientHere(office, person);
  await client.mailboxOpen('INBOX', { readOnly: true });
  const subjects: string[] = [];
  if (client.mailbox !== false && client.mailbox.exists > 0)
    for await (const { envelope } of client.fetch('1:*', { envelope: true })) subjects.push(envelope!.subject!);
  await client.logout();
  return subjects;
}

const MISHAPS = ['drop', 'no', 'nothing', 'garbage', 'huge literal', 'endless line'] as const;

test('a message that the source can not give is reported by its number, and the others come', async (t) => {
  const people = MISHAPS.map((mishap) => mishap.replace(' ', '-'));
  const office = await trialOffice(t, { people });
  for (const [index, mishap] of MISHAPS.entries()) {
    await t.test(mishap, async (t) => {
      const [person, address] = [people[index]!, office.address(people[index]!)];
      const bad = { content: plain('bad'), mishap };
      const source = await ScriptedImap.start(t, [good('one'), good('two'), bad, good('four'), bad, good('six')]);
      const [report] = await moveAllIn(office, 1, address, '--from', source.url, '--insecure');
      assert.deepEqual(await subjectsHere(office, person), ['one', 'two', 'four', 'six']);
      assert.deepEqual(
        report!.skipped.map(({ folder, message }) => `${folder} ${message}`),
        ['INBOX 3', 'INBOX 5'],
      );
      assert.ok(report!.skipped.every(({ reason }) => reason.length > 0));
      // The next time it can, and only they come.
      source.messages = source.messages.map(({ content }) => ({ content }));
      const [next] = await moveAllIn(office, 0, address, '--from', source.url, '--insecure');
      assert.equal(next!.brought.messages, 2);
      assert.deepEqual((await subjectsHere(office, person)).sort(), ['bad', 'bad', 'four', 'one', 'six', 'two']);
    });
  }
});

test('a source that lies about sizes: messages come whole, and memory stays small', async (t) => {
  const large = Buffer.concat([plain('larger'), Buffer.alloc(90 << 20, 'a line of text\r\n')]);
  const source = await ScriptedImap.start(t, [
    { content: plain('smaller than said'), saysSize: 5_000_000 },
    { content: large, saysSize: 10 },
    { content: plain('of no size'), saysSize: 0 },
  ]);
  const office = await trialOffice(t);
  await moveIn(office, source.url);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${office.pid}/status`, 'utf8'))![1]) / 1024;
  const client = await clientHere(office);
  await client.mailboxOpen('INBOX', { readOnly: true });
  const sizes = (await client.fetchAll('1:*', { size: true })).map(({ size }) => size).sort((a, b) => a! - b!);
  assert.deepEqual(sizes, [plain('of no size').length, plain('smaller than said').length, large.length]);
  await client.logout();
  // Some 230, whatever the size of the message.
  assert.ok(peak < 300, `the server took ${peak.toFixed(0)} MB`);
});

test('a source that asks to be left alone for a while is asked again', async (t) => {
  const source = await ScriptedImap.start(t, [good('one')]);
  source.refusals.set('EXAMINE', ['NO [INUSE] another session has it']);
  source.refusals.set('UID FETCH', ['NO [LIMIT] too fast']);
  const office = await trialOffice(t);
  await moveIn(office, source.url);
  assert.deepEqual(await subjectsHere(office), ['one']);
});

test('a source that does not list all it has takes nothing away here', async (t) => {
  const source = await ScriptedImap.start(t, [good('one'), good('two'), good('three')]);
  const office = await trialOffice(t);
  await moveIn(office, source.url);
  source.unlisted = [2];
  const [report] = await moveAllIn(office, 1, office.address('anna'), '--from', source.url, '--insecure');
  assert.deepEqual([report!.removed, report!.kept, report!.unreadable], [0, 1, ['INBOX']]);
  assert.deepEqual(await subjectsHere(office), ['one', 'two', 'three']);
});

test('a server that is stopped does not wait for a source that says nothing; what came before is kept', async (t) => {
  const source = await ScriptedImap.start(t, [good('one'), { content: plain('two'), mishap: 'silence' }]);
  const office = await trialOffice(t);
  const silent = new Promise<void>((resolve) => {
    source.onSilence = resolve;
  });
  const moving = moveAllIn(office, 1, office.address('anna'), '--from', source.url, '--insecure');
  await silent;
  assert.equal(await office.stop(), 0);
  const [report] = await moving;
  assert.equal(report!.outcome, 'stopped');
  await office.start();
  source.messages = source.messages.map(({ content }) => ({ content }));
  await moveIn(office, source.url);
  assert.deepEqual(await subjectsHere(office), ['one', 'two']);
});

test('what a source says can not steer the terminal', async (t) => {
  const source = await ScriptedImap.start(t, [good('one')]);
  source.refusals.set('UID FETCH', ['NO \u001b]0;owned\u0007 \u001b[2J']);
  const office = await trialOffice(t);
  const ended = await rainmail(
    ['migrate', office.address('anna'), '--from', source.url, '--insecure', '--password-stdin', '--data', office.data],
    { input: 'x\n' },
  );
  assert.match(ended.stdout, /INBOX, 1: .*owned/);
  assert.ok(!/(?!\n)\p{Cc}/u.test(ended.stdout), JSON.stringify(ended.stdout));
});

test('a source that is not there, or does not let in, is told at once and clearly', async (t) => {
  const source = await ScriptedImap.start(t, []);
  source.refusals.set('LOGIN', ['NO [AUTHENTICATIONFAILED] wrong password']);
  const office = await trialOffice(t);
  const anna = office.address('anna');
  const [refused] = await moveAllIn(office, 1, anna, '--from', source.url, '--insecure');
  assert.equal(refused!.error!.code, 'source.sign-in');
  assert.match(refused!.error!.text, /wrong password/);
  const [plainText] = await moveAllIn(office, 1, anna, '--from', source.url);
  assert.equal(plainText!.error!.code, 'source.insecure');
  assert.ok(!source.heard.includes('LOGIN') || source.heard.filter((name) => name === 'LOGIN').length === 1);
  const [nowhere] = await moveAllIn(office, 1, anna, '--from', 'imap://anna@127.0.0.1:1', '--insecure');
  assert.equal(nowhere!.error!.code, 'source.unreachable');
});
