/** Who is checked, what is written into their mail, and what a sender can't do to us. Over real SMTP, with a real DNS server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { reverseName } from '../../src/checks/authentication/iprev.ts';
import { Resolver } from '../../src/dns/resolver.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { PASSWORD } from '../helpers/mail-room.ts';
import fc from '../helpers/properties.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';
import { arrive, checkedRoom, keyRecord, resultsIn, sealed, send, signed } from './helpers.ts';

const AUTHOR = 'reject.test';

function writeDown(dns: ScriptedDns): void {
  dns.say('TXT', `_dmarc.${AUTHOR}`, 'v=DMARC1; p=reject');
  dns.say('TXT', AUTHOR, 'v=spf1 -all');
  dns.say('TXT', 'pass.test', 'v=spf1 ip4:192.0.2.7 -all');
  for (const domain of [AUTHOR, 'pass.test', 'lists.test', 'forwarder.test', 'evil.test']) {
    dns.say('TXT', `s1._domainkey.${domain}`, keyRecord('rsa'));
  }
  dns.say('TXT', `e1._domainkey.${AUTHOR}`, keyRecord('ed25519'));
  dns.say('TXT', `w1._domainkey.${AUTHOR}`, keyRecord('weak'));
}

const from = (author: string, subject: string, more = ''): string =>
  `${more}From: ${author}\r\nTo: anna@office.test\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;
const BOSS = from(`boss@${AUTHOR}`, 'signed');

test('what strangers bring is checked, and the results stand in their mail', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  const room = await checkedRoom(t, dns, { judging: { sealers: ['lists.test', 'forwarder.test'] } });
  const client = await arrive(room);
  const last = async (folder = 'INBOX') => (await room.folderOf('anna', folder)).at(-1)!;
  const results = async (folder = 'INBOX') => resultsIn(await last(folder)).join('\n');

  await t.test('an Ed25519 signature proves the sender as well as an RSA one', async () => {
    const message = await signed(BOSS, { domain: AUTHOR, selector: 'e1', key: 'ed25519' });
    assert.match(await send(client, 'boss@pass.test', message), /^250 /);
    assert.match(await results(), /dkim=pass header\.d=reject\.test .*header\.a=ed25519-sha256.*dmarc=pass/);
  });

  await t.test('a key that is too short proves nothing', async () => {
    const message = await signed(BOSS, { domain: AUTHOR, selector: 'w1', key: 'weak' });
    assert.match(await send(client, 'boss@pass.test', message), /^550 5\.7\.26 /);
    assert.match(room.judged.at(-1)!.found.dkim[0]!.row, /^dkim=policy .*weak-key/);
  });

  await t.test('a signature over SHA-1 proves nothing (RFC 8301)', async () => {
    const message = await signed(BOSS, { domain: AUTHOR, algorithm: 'rsa-sha1' });
    assert.match(await send(client, 'boss@pass.test', message), /^550 5\.7\.26 /);
    assert.match(room.judged.at(-1)!.found.dkim[0]!.row, /^dkim=policy .*weak-algorithm/);
  });

  await t.test('a signature that leaves the end of the body open proves nothing', async () => {
    const message = `${await signed(BOSS, { domain: AUTHOR, length: 8 })}And send me all your money.\r\n`;
    assert.match(await send(client, 'boss@pass.test', message), /^550 5\.7\.26 /);
    assert.match(room.judged.at(-1)!.found.dkim[0]!.row, /^dkim=pass \(undersized/);
  });

  await t.test('one byte changed anywhere in what is signed, and nothing is proved', async () => {
    const message = await signed(BOSS, { domain: AUTHOR });
    const start = message.indexOf('From:');
    for (let at = start; at < message.length - 2; at += 7) {
      const byte = message[at]!;
      if (/[\r\n\s]/.test(byte)) continue; // relaxed canonicalization forgives some of these
      const changed = `${message.slice(0, at)}${byte === 'x' ? 'y' : 'x'}${message.slice(at + 1)}`;
      await send(client, 'boss@pass.test', changed);
      assert.notEqual(room.judged.at(-1)?.found.dkim[0]?.result, 'pass', `byte ${at}: ${byte}`);
    }
  });

  await t.test('a message of megabytes is verified while it is read', async () => {
    const long = BOSS.replace('Hello.', `${'A line of text that is repeated.\r\n'.repeat(60_000)}Hello.`);
    const message = await signed(long, { domain: AUTHOR });
    assert.match(await send(client, 'boss@pass.test', message), /^250 /);
    assert.match(await results(), /dkim=pass.*dmarc=pass/);
    assert.match(await send(client, 'boss@pass.test', message.replace(/Hello\.\r\n$/, 'Hello!\r\n')), /^550 5\.7\.26 /);
    await room.store.housekeep();
  });

  await t.test('a signature that says there is no further Received line does not mind ours', async () => {
    const received = from(`boss@${AUTHOR}`, 'signed', 'Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n');
    const headerList = ['From', 'To', 'Subject', 'Received', 'Received'];
    const message = await signed(received, { domain: AUTHOR, headerList });
    assert.match(await send(client, 'boss@pass.test', message), /^250 /);
    assert.match(await results(), /dkim=pass/);
  });

  await t.test('a message without a body, and one without a header, are looked at', async () => {
    assert.match(await send(client, 'boss@pass.test', 'From: a@pass.test\r\nSubject: no body\r\n'), /^250 /);
    assert.match(await results(), /spf=pass.*dkim=none/);
    assert.match(await send(client, 'boss@pass.test', '\r\nOnly a body\r\n'), /^250 /);
    assert.match(await results('Junk'), /dmarc=permerror \(no-author-domain\)/);
  });

  await t.test('the null sender is asked about by the name the server gives itself', async () => {
    dns.say('TXT', 'mx.sender.test', 'v=spf1 ip4:192.0.2.7 -all');
    assert.match(await send(client, '', from('postmaster@pass.test', 'a report')), /^250 /);
    assert.match(await results(), /spf=pass .*smtp\.helo=mx\.sender\.test/);
  });

  await t.test('SPF may ask for a name with what no host has in its name: the sender’s whole address', async () => {
    dns.say('TXT', 'whole.test', 'v=spf1 exists:%{s}.senders.test -all');
    dns.say('A', 'jo/x#1@whole.test.senders.test', '127.0.0.2');
    for (const [sender, result] of [
      ['jo/x#1@whole.test', 'pass'],
      ['jim@whole.test', 'fail'],
    ] as const) {
      assert.match(await send(client, sender, from('jo@pass.test', 'whole')), /^250 /);
      assert.match(await results(), new RegExp(`spf=${result} `));
    }
  });

  await t.test('two From fields, two authors, or none: nobody can be asked, and it is filed in Junk', async () => {
    for (const [author, why] of [
      [`boss@pass.test\r\nFrom: boss@${AUTHOR}`, 'multiple-from-fields'],
      [`boss@pass.test, boss@${AUTHOR}`, 'multiple-author-domains'],
      ['Boss', 'no-author-domain'],
    ] as const) {
      assert.match(await send(client, 'boss@pass.test', from(author, why)), /^250 /);
      assert.match(await results('Junk'), new RegExp(`dmarc=permerror \\(${why}\\)`));
    }
  });

  await t.test('an author that some programs read as one and some as another is none', async () => {
    dns.say('TXT', '_dmarc.clear.test', 'v=DMARC1; p=reject');
    dns.say('TXT', 'clear.test', 'v=spf1 ip4:192.0.2.7 -all');
    for (const author of [
      `boss@${AUTHOR}:<sam@clear.test>`,
      `<boss@${AUTHOR}<sam@clear.test>`,
      `boss@${AUTHOR}><sam@clear.test>`,
    ]) {
      assert.match(await send(client, 'sam@clear.test', from(author, author)), /^250 /);
      assert.match(await results('Junk'), /dmarc=permerror \(unclear-author-domain\)/, author);
    }
    for (const author of [
      'SAM@Clear.Test',
      '"boss@reject.test" <sam@clear.test>',
      'boss@reject.test <sam@clear.test>',
    ]) {
      assert.match(await send(client, 'sam@clear.test', from(author, author)), /^250 /);
      assert.match(await results(), /dmarc=pass /, author);
    }
  });

  await t.test('results that claim to be ours are taken out, those of others stay, and signatures hold', async () => {
    const forged =
      `Authentication-Results: mail.office.test; dmarc=pass header.from=${AUTHOR}\r\n` +
      'Authentication-Results: MAIL.OFFICE.TEST;\r\n\tdkim=pass\r\n' +
      'Authentication-Results: mx.elsewhere.test; spf=pass\r\n';
    const message = await signed(BOSS, { domain: AUTHOR });
    assert.match(await send(client, 'boss@pass.test', forged + message), /^250 /);
    const [ours, theirs, ...more] = resultsIn(await last());
    assert.match(ours!, /^mail\.office\.test; iprev=.* dkim=pass/);
    assert.equal(theirs, 'mx.elsewhere.test; spf=pass');
    assert.deepEqual(more, []);
  });

  await t.test('a chain of seals is followed back as far as the sealers are believed', async () => {
    const pass = `dmarc=pass header.from=${AUTHOR}`;
    const fail = `arc=pass; dmarc=fail header.from=${AUTHOR}`;
    const chain = async (first: string, second: string, results = pass) =>
      sealed(await sealed(BOSS, first, results), second, fail, 'pass');
    assert.match(await send(client, 'list@pass.test', await chain('lists.test', 'forwarder.test')), /^250 /);
    assert.match(await results(), /dmarc=fail \(taken all the same: lists\.test saw it pass\).*; arc=pass /);
    for (const message of [
      await chain('lists.test', 'evil.test'),
      await chain('evil.test', 'forwarder.test'),
      await chain('lists.test', 'forwarder.test', fail),
      (await chain('lists.test', 'forwarder.test')).replace('Hello.', 'Hello!'),
    ]) {
      assert.match(await send(client, 'list@pass.test', message), /^550 5\.7\.26 /);
    }
    const twoFaced = `From: ceo@bank.test\r\n${await chain('lists.test', 'forwarder.test')}`;
    assert.match(await send(client, 'list@pass.test', twoFaced), /^250 /);
    assert.match(await results('Junk'), /dmarc=permerror .*; arc=pass /);
  });

  await t.test('a chain of more seals than honest mail has is not looked at', async () => {
    let chain = await sealed(BOSS, 'lists.test', `dmarc=pass header.from=${AUTHOR}`);
    while (chain.match(/^ARC-Seal:/gm)!.length < 10) chain = await sealed(chain, 'lists.test', 'arc=pass', 'pass');
    assert.match(await send(client, 'list@pass.test', chain), /^250 /);
    assert.match(await results(), /arc=pass /);
    await send(client, 'list@pass.test', await sealed(chain, 'lists.test', 'arc=pass', 'pass'));
    assert.equal(room.judged.at(-1)!.found.arc, undefined);
  });

  await t.test('a body is hashed in three ways at most', async () => {
    const ways = Array.from({ length: 6 }, (_, length) => signed(BOSS, { domain: AUTHOR, length }));
    const signatures = (await Promise.all(ways)).map((message) => message.slice(0, message.indexOf('From:')));
    await send(client, 'boss@pass.test', signatures.join('') + BOSS);
    const found = room.judged.at(-1)!.found.dkim.map(({ row }) => row);
    assert.equal(found.filter((row) => row.startsWith('dkim=pass (undersized')).length, 3);
    assert.equal(found.filter((row) => row.startsWith('dkim=neutral (too many body hashes)')).length, 3);
  });

  await t.test(
    'a signed message with a line that no server sends is refused, one that is not signed is taken',
    async () => {
      const long = BOSS.replace('Hello.', 'x'.repeat(600 * 1024)).replace(AUTHOR, 'pass.test');
      assert.match(await send(client, 'boss@pass.test', long), /^250 /);
      const message = await signed(long, { domain: 'pass.test' });
      assert.match(await send(client, 'boss@pass.test', message), /^552 5\.3\.4 A line of the message is longer/);
    },
  );

  await t.test('of a hundred signatures ten are tried, and of one that is far too long none', async () => {
    const first = await signed(BOSS, { domain: 'evil.test' });
    const signature = first.slice(0, first.indexOf('From:'));
    const asked = dns.asked.length;
    const others = Array.from({ length: 100 }, (_, at) => signature.replace('s=s1', `s=x${at}`)).join('');
    await send(client, 'boss@pass.test', others + BOSS);
    assert.equal(room.judged.at(-1)!.found.dkim.length, 10);
    assert.equal(new Set(dns.asked.slice(asked).filter((each) => each.includes('_domainkey'))).size, 10);
    const long = signature.replace('h=', `h=${'x:'.repeat(5_000).replace(/.{70}/g, '$&\r\n\t')}`);
    await send(client, 'boss@pass.test', long + BOSS);
    assert.equal(room.judged.at(-1)!.found.dkim[0]!.result, 'none');
  });

  await t.test('a header that is far too large is refused', async () => {
    const many = from('a@pass.test', 'many', 'X: y\r\n'.repeat(1_001));
    assert.match(await send(client, 'boss@pass.test', many), /^552 5\.3\.4 .*header/);
    const large = from('a@pass.test', 'large', `X: ${'y'.repeat(900)}\r\n`.repeat(300));
    assert.match(await send(client, 'boss@pass.test', large), /^552 5\.3\.4 .*header/);
  });

  await t.test('names that are none, and records that are nonsense, end in a result and not in a fault', async () => {
    dns.say('TXT', 'nonsense.test', 'v=spf1 include:nonsense.test redirect=%{d}.nonsense.test exists:%{l}%{s}%{x}');
    dns.say('TXT', '_dmarc.nonsense.test', 'v=DMARC1; p=\u0000; rua=;;;=;p=reject');
    dns.say('TXT', 's1._domainkey.nonsense.test', 'v=DKIM1; p=AAAA; k=;;');
    const message = await signed(from('a@nonsense.test', 'nonsense'), { domain: 'nonsense.test' });
    for (const sender of [
      'a@nonsense.test',
      '"a b(c)\\"@d"@nonsense.test',
      `${'a'.repeat(64)}@nonsense.test`,
      'a@[192.0.2.7]',
    ]) {
      assert.match(await send(client, sender, message), /^250 /);
      assert.match(await results(), /^mail\.office\.test; iprev=permerror .*; spf=\w+ .*; dkim=\w+ .*; dmarc=none/);
    }
  });

  await t.test(
    'whatever a sender calls itself and its domains, the field is well formed and says nothing else',
    async () => {
      const text = fc.string({ unit: fc.constantFrom(...'ab ;=()"\\.@[]:,/é\t%-'), minLength: 1, maxLength: 40 });
      const local = text.map((each) => `"${each.replace(/["\\\t]/g, '').replace(/é/g, 'e')}"`);
      await fc.assert(
        fc.asyncProperty(text, local, text, async (helo, sender, signer) => {
          await client.ask(`EHLO x${Buffer.from(helo).toString('latin1')}`);
          const signature = (await signed(BOSS, { domain: 'evil.test' })).replaceAll('evil.test', signer.trim() || 'x');
          assert.match(
            await send(client, `${sender}@pass.test`, signature.replace(`boss@${AUTHOR}`, 'boss@none.test')),
            /^250 /,
          );
          const header = (await last()).split('\r\n\r\n', 1)[0]!;
          const [field, ...more] = header.match(/^Authentication-Results:.*(?:\r\n[ \t].*)*/gm)!;
          assert.deepEqual(more, []);
          for (const line of field!.split('\r\n')) assert.ok(Buffer.byteLength(line, 'latin1') <= 998);
          // Without quoted strings and comments, what is left is methods with results and properties.
          const bare = field!.replace(/"(?:[^"\\]|\\.)*"/gs, 'q').replace(/\((?:[^()\\]|\\.)*\)/gs, '');
          const [first, ...rows] = bare.slice(bare.indexOf(':') + 1).split(';');
          assert.equal(first!.trim(), 'mail.office.test');
          for (const row of rows) {
            assert.match(
              row,
              /^\s+(?:iprev|spf|dkim|dmarc|arc)=[a-z]+(?:\s+(?:policy|smtp|header)\.[a-z-]+=[^\s;()"]*)*\s*$/,
              field,
            );
          }
        }),
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 50) },
      );
      await client.ask('EHLO mx.sender.test');
    },
  );

  await t.test('LMTP and people of the office are not checked; forged results of the latter go', async () => {
    const before = room.judged.length;
    await room.deliver(
      'anna',
      from('a@pass.test', 'by LMTP', 'Authentication-Results: mail.office.test; spf=pass\r\n'),
    );
    assert.deepEqual(resultsIn(await last()), ['mail.office.test; spf=pass']);
    const submission = await room.connect('submission');
    await submission.ask('EHLO laptop');
    await submission.ask('STARTTLS');
    const anna = await submission.startTls();
    await anna.ask('EHLO laptop');
    assert.match(await anna.ask(`AUTH PLAIN ${saslPlain('anna@office.test', PASSWORD)}`), /^235 /);
    const forged = 'Authentication-Results: mail.office.test; spf=pass\r\n';
    assert.match(await send(anna, 'anna@office.test', from('anna@office.test', 'to myself', forged)), /^250 /);
    assert.deepEqual(resultsIn(await last()), []);
    assert.equal(room.judged.length, before);
  });
});

test('friends are not checked', async (t) => {
  const dns = await scriptedDns(t);
  const room = await checkedRoom(t, dns, { trusted: ['192.0.2.0/24'] });
  const client = await arrive(room);
  assert.match(await send(client, 'a@pass.test', BOSS), /^250 /);
  assert.deepEqual(resultsIn((await room.inbox('anna'))[0]!), []);
  assert.deepEqual(dns.asked, []);
});

test('what is only marked is never refused, and what is off is not asked', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  const marking = await arrive(await checkedRoom(t, dns, { judging: { dmarc: 'mark' } }));
  assert.match(await send(marking, `a@${AUTHOR}`, BOSS), /^250 /);
  const off = await checkedRoom(t, dns, { judging: { dmarc: 'off', spf: 'off' } });
  dns.asked.length = 0;
  assert.match(await send(await arrive(off), `a@${AUTHOR}`, BOSS), /^250 /);
  assert.deepEqual(dns.asked, ['PTR 7.2.0.192.in-addr.arpa']);
  assert.match(
    resultsIn((await off.inbox('anna'))[0]!)[0]!,
    /^mail\.office\.test; iprev=permerror .*; dkim=none \([^)]*\)$/,
  );
});

test('SPF is obeyed where that is asked for: a clear no, and no DMARC that says otherwise', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  dns.say('TXT', 'soft.test', 'v=spf1 ~all');
  const room = await checkedRoom(t, dns, { judging: { spf: 'obey' } });
  const client = await arrive(room);
  assert.match(
    await send(client, `a@${AUTHOR}`, from('a@none.test', 'x')),
    /^550 5\.7\.23 192\.0\.2\.7 may not send mail for reject\.test/,
  );
  assert.match(await send(client, 'a@soft.test', from('a@soft.test', 'x')), /^250 /);
  assert.match(await send(client, `a@${AUTHOR}`, await signed(BOSS, { domain: AUTHOR })), /^250 /);
});

test('a DNS that says nothing delays a message for a while, and then it is taken, or put off where that is asked for', async (t) => {
  const dns = await scriptedDns(t);
  for (const name of ['TXT silent.test', 'TXT _dmarc.silent.test', 'TXT s1._domainkey.silent.test'])
    dns.zone.set(name, 'silence');
  dns.zone.set('PTR 7.2.0.192.in-addr.arpa', 'silence');
  const message = await signed(from('a@silent.test', 'x'), { domain: 'silent.test' });
  const taking = await checkedRoom(t, dns, { within: 100 });
  assert.match(await send(await arrive(taking), 'a@silent.test', message), /^250 /);
  assert.match(
    resultsIn((await taking.inbox('anna'))[0]!)[0]!,
    /iprev=temperror .*; spf=temperror .*; dkim=temperror .*; dmarc=temperror/,
  );
  const careful = await checkedRoom(t, dns, { within: 100, judging: { unsure: 'put off' } });
  assert.match(await send(await arrive(careful), 'a@silent.test', message), /^451 4\.7\.0 .*DNS/);
  assert.deepEqual(await careful.inbox('anna'), []);
});

test('whoever has us ask servers of his own that say nothing is found out about all the same', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  dns.zone.set('TXT evil.test', 'silence');
  for (const selector of ['x1', 'x2']) dns.zone.set(`TXT ${selector}._domainkey.evil.test`, 'silence');
  const room = await checkedRoom(t, dns, { within: 1_500 });
  const client = await arrive(room);
  const silent = [];
  for (const selector of ['x1', 'x2']) {
    const message = await signed(BOSS, { domain: 'evil.test', selector });
    silent.push(message.slice(0, message.indexOf('From:')));
  }
  const forged = (await signed(BOSS, { domain: AUTHOR })).replace('Subject: signed', 'Subject: Money');
  assert.match(await send(client, 'a@evil.test', silent.join('') + forged), /^550 5\.7\.26 /);
  assert.deepEqual(
    room.judged[0]!.found.dkim.map(({ result }) => result),
    ['temperror', 'temperror', 'fail'],
  );
  const honest = await signed(BOSS, { domain: AUTHOR });
  assert.match(await send(client, 'a@evil.test', silent.join('') + honest), /^250 /);
  assert.match(resultsIn((await room.inbox('anna'))[0]!)[0]!, /spf=temperror .*dmarc=pass /);
});

test('a message whose signatures take longer to check than there is time is put off, and not taken unchecked', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  const room = await checkedRoom(t, dns, { within: 1 });
  const long = BOSS.replace('Hello.', `${' \t\r\n'.repeat(500_000)}Hello.`);
  const message = await signed(long, { domain: AUTHOR });
  assert.match(await send(await arrive(room), 'boss@pass.test', message), /^451 4\.7\.0 The signatures/);
  assert.deepEqual(await room.inbox('anna'), []);
});

test('while more is asked than can be, what could not be found out is put off, and not taken unchecked', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  for (let at = 0; at < 300; at++) dns.zone.set(`TXT flood${at}.evil.test`, 'silence');
  const resolver = new Resolver({ servers: [dns.server], validating: false, timeout: 1_000 });
  const patient = await checkedRoom(t, dns, { resolver });
  const client = await arrive(await checkedRoom(t, dns, { within: 100, resolver }));
  const flood = Array.from({ length: 300 }, (_, at) => resolver.query(`flood${at}.evil.test`, 'TXT'));
  assert.match(await send(client, 'a@pass.test', BOSS), /^451 4\.7\.0 .*DNS/);
  await Promise.allSettled(flood);
  assert.equal(resolver.busy, false);
  assert.match(await send(await arrive(patient), 'a@pass.test', BOSS), /^550 5\.7\.26 /);
});

test('messages that wait for the DNS are bounded in number: who comes on top is put off', async (t) => {
  const dns = await scriptedDns(t);
  dns.zone.set('TXT silent.test', 'silence');
  const room = await checkedRoom(t, dns, { within: 2_000, mostAtOnce: 2 });
  const clients = await Promise.all(Array.from({ length: 5 }, () => arrive(room)));
  const replies = await Promise.all(clients.map((client) => send(client, 'a@silent.test', from('a@pass.test', 'x'))));
  assert.deepEqual(replies.map((reply) => reply.slice(0, 9)).sort(), [
    ...Array(2).fill('250 2.0.0'),
    ...Array(3).fill('451 4.7.0'),
  ]);
});

test('swaks, as a stranger that comes through a proxy, hears why it is refused', async (t) => {
  const dns = await scriptedDns(t);
  writeDown(dns);
  const room = await checkedRoom(t, dns);
  const swaks = spawn('swaks', [
    ...['--server', '127.0.0.1', '--port', String(room.port('smtp')), '--helo', 'mx.sender.test'],
    ...[
      '--proxy-version',
      '1',
      '--proxy-family',
      'TCP4',
      '--proxy-source',
      '192.0.2.7',
      '--proxy-source-port',
      '40000',
    ],
    ...['--proxy-dest', '192.0.2.1', '--proxy-dest-port', '25'],
    ...['--from', 'boss@pass.test', '--to', 'anna@office.test', '--header-From', `boss@${AUTHOR}`, '--body', 'Hello.'],
  ]);
  let said = '';
  swaks.stdout.on('data', (text) => (said += text));
  await once(swaks, 'close');
  assert.match(said, /<\*\* 550 5\.7\.26 Nothing proves that this message is from reject\.test/);
});

test('addresses are turned round for the DNS', () => {
  assert.equal(reverseName('192.0.2.7'), '7.2.0.192.in-addr.arpa');
  const name = 'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';
  assert.equal(reverseName('2001:db8::567:89ab'), name);
  assert.equal(reverseName('2001:0DB8:0:0:0:0:567:89AB%eth0'), name);
  assert.equal(reverseName('::1'), `1.${'0.'.repeat(31)}ip6.arpa`);
});
