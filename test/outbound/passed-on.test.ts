/** What senders ask of reports goes on to servers that know of it; for the others this one answers (RFC 3461 5.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendingOffice } from './sending-office.ts';

const ASKED = [
  '<carl@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Carl+2Bx@example.net',
  '<dora@example.net> NOTIFY=NEVER',
  '<emil@example.net>',
] as const;

test('a server that knows of reports is told of each recipient what the sender asked, and makes them', async (t) => {
  const office = await SendingOffice.open(t, { extensions: ['PIPELINING', '8BITMIME', 'SIZE 10000000', 'DSN'] });
  assert.match(await office.submit('RET=HDRS ENVID=17+2Ba', ...ASKED), /^250 /);
  await office.known(3);
  const said = office.peer.lines.filter((line) => /^(?:MAIL|RCPT)/.test(line));
  for (const line of said.filter((each) => each.startsWith('MAIL')))
    assert.match(line, / RET=HDRS ENVID=17\+2Ba(?: |$)/);
  assert.deepEqual(said.filter((line) => line.startsWith('RCPT')).sort(), [
    'RCPT TO:<carl@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Carl+2Bx@example.net',
    'RCPT TO:<dora@example.net> NOTIFY=NEVER',
    'RCPT TO:<emil@example.net>',
  ]);
  assert.deepEqual(await office.room.inbox('anna'), []);
});

test('of a server that knows nothing of reports the sender hears that it has the message', async (t) => {
  const office = await SendingOffice.open(t);
  assert.match(await office.submit('RET=HDRS ENVID=17', ...ASKED), /^250 /);
  await office.known(3);
  assert.ok(office.peer.lines.every((line) => !/NOTIFY|ORCPT|RET=|ENVID/.test(line)));
  const [report, ...others] = await office.room.inbox('anna');
  assert.deepEqual(others, []);
  assert.match(report!, /\r\nOriginal-Envelope-Id: 17\r\n/);
  assert.match(
    report!,
    /\r\nOriginal-Recipient: rfc822; Carl\+x@example\.net\r\nFinal-Recipient: rfc822; carl@example\.net\r\nAction: relayed\r\n/,
  );
  assert.doesNotMatch(report!, /Final-Recipient: rfc822; (?:dora|emil)@/);
});

test('a recipient whom the other server refuses is told of, though others are there; who wants to hear nothing hears nothing', async (t) => {
  const office = await SendingOffice.open(t, {
    says: (_command, line) => (/^RCPT TO:<(?:carl|dora)@/.test(line) ? '550 5.1.1 no such user here' : undefined),
  });
  assert.match(
    await office.submit('', '<carl@example.net>', '<dora@example.net> NOTIFY=NEVER', '<emil@example.net>'),
    /^250 /,
  );
  assert.deepEqual(await office.known(3), [
    'carl@example.net failed',
    'dora@example.net failed',
    'emil@example.net sent',
  ]);
  const reports = await office.room.inbox('anna');
  assert.equal(reports.length, 1);
  assert.match(reports[0]!, /\r\nSubject: Not delivered: Party\r\n/);
  assert.match(reports[0]!, /\r\nFinal-Recipient: rfc822; carl@example\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
});

test('a server that takes only so many messages over one connection has the next by another, at once', async (t) => {
  let taken = 0;
  const says = (command: string) => {
    if (command === 'greeting') taken = 0;
    return command === 'MAIL' && ++taken > 2 ? '421 4.7.0 enough for one connection' : undefined;
  };
  const office = await SendingOffice.open(t, { says });
  for (const count of [1, 2, 3, 4, 5]) {
    await office.submit('', '<carl@example.net>');
    assert.deepEqual(await office.known(count), Array(count).fill('carl@example.net sent'));
  }
  assert.deepEqual([office.peer.taken.length, office.peer.connections], [5, 3]);
});
