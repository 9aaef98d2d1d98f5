/** Mail from strangers at a whole server: as configured, into the header, the folder, the log and the metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedDns } from '../helpers/dns-server.ts';
import { LineClient } from '../helpers/line-client.ts';
import { rainmail, trialOffice } from '../helpers/office.ts';

test('a server checks strangers as it is configured, says what it found, and counts it', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('TXT', 'good.test', 'v=spf1 ip4:127.0.0.1 -all');
  dns.say('TXT', '_dmarc.good.test', 'v=DMARC1; p=reject');
  dns.say('TXT', '_dmarc.junk.test', 'v=DMARC1; p=quarantine');
  const config = `
[dns]
servers = ["127.0.0.1:${dns.server.port}"]
[checks]
trusted = []
greetingDelay = "0s"
[limits]
recipients = 100
[strangers]
messagesByAddress = 3
`;
  const office = await trialOffice(t, { people: ['anna'], config });
  const client = await LineClient.connect(office.port('smtp'));
  await client.reply('220');
  await client.ask('EHLO mx.good.test', '250');
  const send = async (sender: string, author: string): Promise<string> => {
    client.send(`MAIL FROM:<${sender}>\r\n`);
    const reply = await client.line();
    if (!reply.startsWith('250')) return reply;
    await client.ask('RCPT TO:<anna@office.test>', '250');
    await client.ask('DATA', '354');
    client.send(`From: ${author}\r\nSubject: from ${author}\r\n\r\nHello.\r\n.\r\n`);
    return client.line();
  };
  assert.match(await send('a@good.test', 'a@good.test'), /^250 /);
  assert.match(await send('a@good.test', 'a@junk.test'), /^250 /);
  assert.match(await send('a@evil.test', 'a@good.test'), /^550 5\.7\.26 /);
  assert.match(await send('a@good.test', 'a@good.test'), /^451 4\.7\.1 Too many messages from 127\.0\.0\.1/);
  const [phone] = office.devices('anna', ['phone']);
  const found = await phone.imap(async (session) => {
    const inbox = await session.content(1);
    await session.command('SELECT Junk');
    return { inbox, junk: await session.content(1) };
  });
  assert.match(found.inbox, /Authentication-Results: mail\.office\.test;\r\n\tiprev=permerror .*;\r\n\tspf=pass /);
  assert.match(found.junk, /dmarc=fail .*policy\.dmarc=quarantine header\.from=junk\.test/);
  const story = (await rainmail(['trace', '--data', office.data, '--from', 'a@evil.test'])).stdout;
  assert.match(story, /was checked: .*dmarc=fail.*was refused: 550 5\.7\.26 Nothing proves/s);
  const metrics = await (await fetch(`http://127.0.0.1:${office.port('health')}/metrics`)).text();
  for (const line of [
    'rainmail_authentication_results_total{method="dmarc",result="pass"} 1',
    'rainmail_authentication_decisions_total{decision="junk"} 1',
    'rainmail_authentication_decisions_total{decision="refuse for DMARC"} 1',
    'rainmail_strangers_turned_away_total{bound="messages by address"} 1',
  ]) {
    assert.ok(metrics.includes(line), line);
  }
});
