/**
 * Rainmail among real servers: mail to Postfix, Exim and OpenSMTPD and back again, over port 25, the names of a DNS, and TLS that is looked at.
 * In a network of its own: it needs root.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WayExplained } from '../../src/outbound/explain.ts';
import { selfSigned } from '../helpers/authority.ts';
import { rainmail } from '../helpers/office.ts';
import { ownNetwork } from '../helpers/own-network.ts';
import { tlsaFor } from '../outbound/peer-room.ts';
import { EXIM, exim } from './exim.ts';
import { OPENSMTPD, opensmtpd } from './opensmtpd.ts';
import { POSTFIX, postfix } from './postfix.ts';
import { Village } from './village.ts';

const missing = [POSTFIX, EXIM, OPENSMTPD].filter((program) => !existsSync(program));
const skip = (await ownNetwork()) ?? (missing.length > 0 ? `not installed: ${missing.join(', ')}` : false);

/** Dots, bytes beyond ASCII, a line as long as may be, empty lines at the end. */
const BODY = `.\r\n..\r\n.hidden\r\nÄpfel und Birnen\r\n${'long '.repeat(199)}\r\n\r\n`;
const LARGE = `${'0123456789abcdef'.repeat(4)}\r\n`.repeat(80_000);

test('mail to real servers, and back', { skip }, async (t) => {
  const village = await Village.build(t);
  const a = await village.neighbour('postfix', postfix);
  const b = await village.neighbour('exim', exim, await selfSigned('mx.exim.test'));
  const c = await village.neighbour('opensmtpd', opensmtpd);
  await village.policies({ [a.domain]: a.host, 'strict.test': c.host });
  village.dns.say('TLSA', `_25._tcp.${b.host}`, tlsaFor('3 1 1', b.certificate.cert));
  /** What each writes of the connection that the mail came by; Debian's OpenSMTPD fails at every handshake, with OpenSSL 3. */
  const came = { [a.domain]: /with ESMTPS id/, [b.domain]: /with esmtps/, [c.domain]: /with ESMTP id/ };

  for (const { domain, host } of [a, b, c]) {
    await t.test(`${domain}: every byte of a message`, async () => {
      const back = await village.echo(`echo@${domain}`, `To ${domain}`, BODY);
      assert.ok(back.endsWith(BODY), back);
      assert.match(back, came[domain]!);
      assert.match(back, new RegExp(`Received: from ${host} .*\\s+by mail.office.test .* with ESMTPS`));
    });
  }

  await t.test('each was protected as it, or the DNS, says', async () => {
    assert.deepEqual(await village.taken(), { 'mta-sts': 1, dane: 1, none: 1, unverified: 0, verified: 0 });
  });

  for (const { domain, host } of [a, b, c]) {
    await t.test(`${domain}: a large message`, async () => {
      assert.ok((await village.echo(`echo@${domain}`, `Large to ${domain}`, LARGE)).endsWith(LARGE));
    });

    await t.test(`${domain}: somebody who is unknown there`, async () => {
      await village.send(`nobody@${domain}`, 'Subject: Hello\r\n\r\nWho are you?\r\n');
      const report = await village.arrived(`SUBJECT "Not delivered" TEXT "nobody@${domain}"`);
      assert.match(report, new RegExp(`^Remote-MTA: dns; ?${host}`, 'm'));
      assert.match(report, /^Status: 5\./m);
      assert.match(report, /^Diagnostic-Code: smtp; ?550 /m);
    });
  }

  for (const { domain } of [a, b]) {
    await t.test(`${domain}: letters beyond ASCII`, async () => {
      const back = await village.echo(`zoë@${domain}`, `Letters to ${domain}`, BODY);
      assert.ok(back.endsWith(BODY));
      assert.match(back, /with UTF8SMTPSA?|with esmtps/i);
    });

    await t.test(`${domain}: somebody who is put off`, async () => {
      await village.send(`later@${domain}`, 'Subject: Are you there\r\n\r\nHello.\r\n');
      assert.match(
        await village.putOff(`later@${domain}`),
        /^450 4\.2\.1 .*come back later|^451 4\.2\.1 come back later/,
      );
    });
  }

  await t.test(`${b.domain}: somebody who is put off, and let in later`, async () => {
    await writeFile(join(b.folder, 'known'), '');
    await village.office.command('queue', 'retry', '--to-domain', b.domain);
    assert.match(await village.arrived('SUBJECT "Are you there"'), /Received: from mx\.exim\.test/);
  });

  await t.test(`${c.domain}: letters that it does not know`, async () => {
    await village.send(`zoë@${c.domain}`, 'Subject: Hello\r\n\r\nZoë?\r\n');
    const report = await village.arrived('SUBJECT "Not delivered" TEXT "SMTPUTF8"');
    assert.match(report, /^Status: 5\.6\.7/m);
    assert.match(report, /^Diagnostic-Code: x-rainmail; /m); // that server was not asked
  });

  const putOff = async (to: string): Promise<string> => {
    await village.send(to, 'Subject: Hello\r\n\r\nHello.\r\n');
    return village.putOff(to);
  };

  await t.test(
    'a certificate that is not the one of the DNS, and TLS that a policy wants and is not to be had',
    async () => {
      village.host('forged.test', b.address);
      village.dns.say('TLSA', '_25._tcp.forged.test', tlsaFor('3 1 1', a.certificate.cert));
      village.domain('dane.test', 'forged.test');
      assert.match(await putOff('echo@dane.test'), /^454 4\.7\.5 its certificate is none that the DNS names/);
      village.domain('strict.test', c.host);
      assert.match(await putOff('echo@strict.test'), /^454 4\.7\.10 TLS could not be turned on/);
    },
  );

  await t.test('the next address, and the next host, when nobody answers at the first', async () => {
    village.host('two.test', a.address, '2001:db8::dead');
    village.host('dead.test', '192.0.2.99', '2001:db8::99');
    village.domain(`also.${a.domain}`, 'dead.test', 'two.test');
    const back = await village.echo(`echo@also.${a.domain}`, 'By the second way', BODY);
    assert.match(back, /Received: from mail\.office\.test .*192\.0\.2\.10/);
  });

  await t.test('over IPv6 where there is some', async () => {
    village.host('six.test', undefined, b.address6);
    village.domain(`also.${b.domain}`, 'six.test');
    const back = await village.echo(`echo@also.${b.domain}`, 'By IPv6', BODY);
    assert.match(back, /Received: from .*2001:db8::10/);
  });

  await t.test('the own host among those of a domain', async () => {
    village.domain('backup.test', 'dead.test', 'mail.office.test', a.host);
    assert.match(await putOff('echo@backup.test'), /^451 4\.4\.1 /, 'only those before it are tried');
    village.domain('loop.test', 'mail.office.test', a.host);
    await village.send('echo@loop.test', 'Subject: Round\r\n\r\nAnd round.\r\n');
    assert.match(await village.arrived('SUBJECT "Not delivered" TEXT "echo@loop.test"'), /^Status: 5\.4\.6/m);
  });

  await t.test('what an administrator is told of it', async () => {
    const check = async (domain: string) =>
      (await village.office.command('outbound', 'check', domain, '--connect')) as WayExplained;
    const told = await Promise.all([a, b, c].map(async ({ domain }) => (await check(domain)).hosts[0]!));
    assert.deepEqual(
      told.map(({ protection, tries }) => [protection, tries![0]!.tls]),
      [
        ['verified', 'mta-sts'],
        ['dane', 'dane'],
        ['opportunistic', 'none'],
      ],
    );

    const text = (domain: string) =>
      rainmail(['outbound', 'check', domain, '--connect', '--data', village.office.data]);
    const good = await text(a.domain);
    assert.equal(good.code, 0);
    assert.match(good.stdout, /^MTA-STS: enforced, until [\d-]+ at least; hosts: mx\.postfix\.test\.$/m);
    assert.match(good.stdout, /^mx\.postfix\.test +192\.0\.2\.11 +signed +none +TLS always, with a certificate of an/m);
    assert.match(good.stdout, / yes, TLSv1\.3 TLS_\w+, certificate good, as MTA-STS wants it$/m);
    const forged = await text('dane.test');
    assert.equal(forged.code, 1);
    assert.match(forged.stdout, / 454 its certificate is none that the DNS names$/m);
  });
});
