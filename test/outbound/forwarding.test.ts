/** Mail that goes on between real servers: under a reverse path that is ours, back as a report, and round in a circle. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoriesListed } from '../../src/server/admin/trace.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import type { ImapDevice } from '../helpers/line-client.ts';
import type { TrialOffice } from '../helpers/office.ts';

/** The headers of what is in somebody's INBOX. */
async function inbox(office: TrialOffice, person: string): Promise<string[]> {
  return office.devices(person, ['laptop'])[0].imap(async (session: ImapDevice) => {
    const { untagged } = await session.command('UID FETCH 1:* (BODY.PEEK[HEADER])');
    return untagged.filter((line) => line.includes('BODY[HEADER]'));
  });
}

test('mail goes on to another office, comes back from a circle once, and a report finds its way back', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna', 'ben'] });
  const shop = await internet.office('shop.test', { people: ['carl', 'dora'] });
  const far = await internet.peer('far.test');

  await office.command('forward', 'set', 'anna@office.test', 'carl@shop.test', '--no-keep');
  await office.deliver({ from: 'sam@far.test', to: 'anna@office.test', subject: 'one' });
  await attempts(office, 'sent');
  const [message, ...others] = await inbox(shop, 'carl@shop.test');
  assert.equal(others.length, 0);
  assert.match(message!, /Return-Path: <SRS0=[^@>]+=far\.test=sam@office\.test>\r\nDelivered-To: carl@shop\.test\r\n/);
  assert.match(message!, /\r\nDelivered-To: anna@office\.test\r\n/);
  assert.deepEqual(await inbox(office, 'anna@office.test'), []);

  // Round: what has been at Anna's comes back there, and stays.
  await shop.command('forward', 'set', 'carl@shop.test', 'anna@office.test', '--no-keep');
  await office.deliver({ from: 'sam@far.test', to: 'anna@office.test', subject: 'two' });
  await attempts(shop, 'sent');
  const [round, ...more] = await inbox(office, 'anna@office.test');
  assert.equal(more.length, 0);
  assert.match(round!, /Subject: two/);
  assert.match(round!, /Return-Path: <SRS1=[^@>]+=office\.test==[^@>]+=far\.test=sam@shop\.test>/);

  // The other server has the last word: whoever wrote hears of it, of the address that they wrote to.
  await shop.command('account', 'close', 'dora@shop.test');
  await office.command('forward', 'set', 'ben@office.test', 'dora@shop.test', '--no-keep');
  await office.deliver({ from: 'sam@far.test', to: 'ben@office.test', subject: 'three' });
  await attempts(office, 'failed');
  await attempts(office, 'sent', 3); // "one" and "two", and the report
  const [report] = far.taken;
  assert.deepEqual([report!.sender, report!.recipients], ['', ['sam@far.test']]);
  assert.match(report!.body, /ben@office\.test/);
  assert.doesNotMatch(report!.body, /dora@/);
  const { stories } = (await office.command('trace', '--to', 'ben@office.test')) as StoriesListed;
  const [told] = stories[0]!.events.filter(({ kind }) => kind === 'reported');
  assert.equal(told!.text, 'was reported to who forwards it and keeps a copy, or else to its sender');

  // A report that another server makes of mail that went on, to the address it was given.
  const path = /Return-Path: <([^>]+)>/.exec(message!)![1]!;
  await office.deliver({ from: '', to: path, subject: 'four' });
  await attempts(office, 'sent', 4);
  assert.deepEqual(
    far.taken.map(({ sender, recipients }) => [sender, recipients]),
    [
      ['', ['sam@far.test']],
      ['', ['sam@far.test']],
    ],
  );
});
