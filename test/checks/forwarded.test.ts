/** Mail that bears our own name goes on to other servers only where something proves it: real DNS answers, real SMTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedDns } from '../helpers/dns-server.ts';
import { arrive, checkedRoom, keyRecord, send, signed } from './helpers.ts';

const outgoing = {
  destinationOf: (address: string) => address.slice(address.indexOf('@') + 1),
  times: (from: number) => ({ warn: from, expires: from + 60 }),
  wake: () => {},
};

function from(author: string): string {
  return `From: ${author}\r\nTo: anna@office.test\r\nSubject: Money\r\nDate: Tue, 1 Dec 2026 10:00:00 +0000\r\nMessage-ID: <1@x.test>\r\n\r\nSend it.\r\n`;
}

test('what bears our name goes on only where that is proven; else it stays with who forwards, or is refused', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('TXT', 'office.test', ['v=spf1 ip4:192.0.2.7 -all']); // where strangers of the test come from
  dns.say('TXT', 's1._domainkey.office.test', [keyRecord('rsa')]);
  dns.say('TXT', 'news.office.test');
  const room = await checkedRoom(t, dns, { outgoing });
  const changes = room.directory.by('the test');
  await changes.forwarding.set('anna@office.test', ['anna@home.test'], { keeps: false });
  const client = await arrive(room);
  const goesOn = async (sender: string, message: string) => {
    const before = (await room.store.queue.size()).messages;
    assert.match(await send(client, sender, message), /^250 /);
    return (await room.store.queue.size()).messages > before;
  };
  const ours = from('boss@office.test');
  assert.equal(await goesOn('sam@far.test', from('sam@far.test')), true, 'nothing of ours');
  assert.equal(await goesOn('sam@far.test', ours), false, 'our name');
  assert.equal(await goesOn('sam@far.test', from('boss@news.office.test')), false, 'a name below ours');
  assert.equal(await goesOn('sam@far.test', from('sam@far.test, boss@office.test')), false, 'our name beside another');
  assert.equal(await goesOn('', ours), false, 'a report in our name');
  assert.equal(await goesOn('boss@office.test', ours), true, 'SPF');
  assert.equal(await goesOn('sam@far.test', await signed(ours, { domain: 'office.test' })), true, 'DKIM');
  const open = await signed(ours, { domain: 'office.test', length: 2 });
  assert.equal(await goesOn('sam@far.test', open), false, 'a signature that leaves the end open');
  assert.deepEqual([(await room.inbox('anna')).length, (await room.folderOf('anna', 'Junk')).length], [4, 1]);

  await changes.forwarding.remove('anna@office.test');
  await changes.accounts.rename('anna@office.test', 'lee@office.test', { keepOld: false });
  await changes.aliases.add('anna@office.test', 'anna@home.test');
  assert.match(await send(client, 'sam@far.test', ours), /^550 5\.7\.26 .*Sign in to send it/);
  assert.equal(await goesOn('boss@office.test', ours), true);
});

test('nobody is told of forged mail that could not go on but who forwards it', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('TXT', 'forged.test', ['v=spf1 -all']);
  dns.say('TXT', 'lax.test', ['v=spf1 ~all']);
  dns.say('TXT', 's1._domainkey.forged.test', [keyRecord('rsa')]);
  const room = await checkedRoom(t, dns, { outgoing });
  const changes = room.directory.by('the test');
  await changes.forwarding.set('anna@office.test', ['anna@home.test'], { keeps: false });
  const client = await arrive(room);
  const senders = async () => {
    const found: string[] = [];
    for await (const page of room.store.queue.pages()) {
      for (const { id } of page) found.push((await room.store.queue.message(id))!.message.sender);
    }
    return found.map((sender) => sender.replace(/^SRS0=.*=(\w+\.test)=(\w+)@.*/, 'SRS of $2@$1'));
  };
  assert.match(await send(client, 'sam@forged.test', from('sam@forged.test')), /^250 /);
  assert.match(await send(client, 'sam@lax.test', from('sam@lax.test')), /^250 /);
  assert.match(await send(client, 'sam@silent.test', from('sam@silent.test')), /^250 /);
  assert.match(
    await send(client, 'sam@forged.test', await signed(from('sam@forged.test'), { domain: 'forged.test' })),
    /^250 /,
  );
  // The author is proven, and the envelope says that somebody here sent it.
  dns.say('TXT', 'office.test', ['v=spf1 -all']);
  const signedByOther = await signed(from('sam@forged.test'), { domain: 'forged.test' });
  assert.match(await send(client, 'boss@office.test', signedByOther), /^250 /);
  assert.deepEqual(await senders(), [
    'anna@office.test',
    'anna@office.test',
    'SRS of sam@silent.test',
    'SRS of sam@forged.test',
    'anna@office.test',
  ]);
  await changes.forwarding.remove('anna@office.test');
  await changes.accounts.rename('anna@office.test', 'lee@office.test', { keepOld: false });
  await changes.aliases.add('anna@office.test', 'anna@home.test');
  assert.match(await send(client, 'sam@forged.test', from('sam@forged.test')), /^250 /);
  assert.equal((await senders()).at(-1), '');
});

test('a report on forwarded mail goes back to who sent that, and nothing forged goes the same way', async (t) => {
  const dns = await scriptedDns(t);
  dns.say('TXT', '_dmarc.strict.test', ['v=DMARC1; p=quarantine']);
  const room = await checkedRoom(t, dns, { outgoing });
  await room.directory.by('the test').forwarding.set('anna@office.test', ['anna@home.test'], { keeps: false });
  const client = await arrive(room);
  assert.match(await send(client, 'sam@far.test', from('sam@far.test')), /^250 /);
  const [page] = await Array.fromAsync(room.store.queue.pages());
  const { sender } = (await room.store.queue.message(page![0]!.id))!.message;
  const report = async (author: string) => {
    for (const line of ['MAIL FROM:<>', `RCPT TO:<${sender}>`]) assert.match(await client.ask(line), /^250 /);
    await client.ask('DATA');
    client.send(`${from(author)}.\r\n`);
    return client.reply();
  };
  assert.match(await report('MAILER-DAEMON@home.test'), /^250 /);
  const { messages } = await room.store.queue.size();
  for (const forged of ['boss@office.test', 'boss@mail.office.test', 'boss@strict.test']) {
    assert.match(await report(forged), /^550 5\.7\.26 Nothing proves who sent this report/, forged);
  }
  assert.equal((await room.store.queue.size()).messages, messages);
});
