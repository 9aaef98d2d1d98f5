/** Who posts to a group from elsewhere, and whether they do: real DNS answers, real SMTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedDns } from '../helpers/dns-server.ts';
import { arrive, checkedRoom, keyRecord, signed } from './helpers.ts';

const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from, expires: from + 60 }),
  wake: () => {},
};
const CHRIS = 'chris@partner.test';

test('a member elsewhere is not taken at the word of a stranger whom their domain disowns', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('TXT', 'partner.test', 'v=spf1 ip4:198.51.100.1 -all');
  for (const domain of ['partner.test', 'evil.test']) dns.say('TXT', `s1._domainkey.${domain}`, keyRecord('rsa'));
  const room = await checkedRoom(t, dns, { people: ['anna', 'ben'], outgoing });
  const { groups } = room.directory.by('the test');
  await groups.add('Board', { address: 'board@office.test' });
  await groups.join('Board', 'anna@office.test', CHRIS);
  const client = await arrive(room);
  const post = async (message: string, more: readonly string[] = [], sender = CHRIS) => {
    const utf8 = Buffer.from(`MAIL FROM:<${sender}> SMTPUTF8`).toString('latin1');
    assert.match(await client.ask(utf8), /^250 /);
    for (const to of ['board@office.test', ...more]) assert.match(await client.ask(`RCPT TO:<${to}>`), /^250 /);
    await client.ask('DATA');
    client.send(`${message}.\r\n`);
    return client.reply();
  };
  const from = (author: string) => `From: ${author}\r\nTo: board@office.test\r\nSubject: Money\r\n\r\nSend it.\r\n`;
  assert.match(await post(from(CHRIS)), /^250 /, 'anyone may post');

  await groups.setPosting('Board', ['members']);
  const refused = /^550 5\.7\.23 .*board@office\.test.*not from chris@\S+artner\.test, /;
  assert.match(await post(from(CHRIS)), refused);
  assert.match(await post(await signed(from('eve@evil.test'), { domain: 'evil.test' })), refused);
  assert.match(await post(from(CHRIS), ['ben@office.test']), refused, 'for good beside others, too');
  assert.match(
    await post(from('eve@evil.test'), [], 'chris@\uff50artner.test'),
    refused,
    'the domain in other letters',
  );
  assert.match(
    await post(await signed(from(CHRIS), { domain: 'partner.test' })),
    /^250 /,
    'forwarded, with its signature',
  );
  assert.equal((await room.inbox('anna')).length, 2);
  assert.equal((await room.inbox('ben')).length, 0);
});
