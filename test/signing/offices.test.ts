/** Signatures between real servers: from the commands that an administrator gives to what the reader's server finds. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { type KeyShown, listKeys, rotateKeys, showKeys } from '../../src/server/admin/dkim.ts';
import type { ZoneChecked } from '../../src/server/admin/dns-check.ts';
import { setForwarding } from '../../src/server/admin/forwarding.ts';
import { attempts, Internet } from '../helpers/internet.ts';
import { rainmail, type TrialOffice } from '../helpers/office.ts';
import { inParts, LETTER } from './signing-office.ts';

const CHECKS = '[checks]\ntrusted = []\ngreetingDelay = "0s"\n';

/** Does what an administrator does with the records that are printed. */
async function publish(internet: Internet, office: TrialOffice, domain: string): Promise<void> {
  for (const { record } of await perform(listKeys, { domain }, office))
    internet.dns.say('TXT', record.name, inParts(record.text));
  const seen = await perform(showKeys, { domain }, office);
  assert.deepEqual([...new Set(seen.map(({ state }) => state))], ['signing']);
}

async function command(office: TrialOffice, ...args: readonly string[]) {
  return rainmail([...args, '--data', office.data]);
}

test('what one office signs another finds good, also when it was forwarded by a third', async (t: TestContext) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna'], config: CHECKS });
  const shop = await internet.office('shop.test', { people: ['carl'], config: CHECKS });
  const works = await internet.office('works.test', { people: ['dora'], config: CHECKS });
  await publish(internet, office, 'office.test');
  await publish(internet, shop, 'shop.test');
  internet.dns.say('TXT', '_dmarc.office.test', 'v=DMARC1; p=reject');
  await perform(setForwarding, { account: 'carl@shop.test', to: ['dora@works.test'], keeps: false }, shop);

  await office.submit({
    from: 'anna',
    to: 'carl@shop.test',
    raw: LETTER.replace('carl@example.net', 'carl@shop.test'),
  });
  await attempts(shop, 'sent');
  const message = await works.devices('dora@works.test', ['laptop'])[0].imap((session) => session.content(1));
  assert.match(message, /^Return-Path: <SRS0=[a-z2-7]{6}=[a-z2-7]{2}=office\.test=anna@shop\.test>/m);
  const [found = ''] = /^Authentication-Results: mx\.works\.test;(?:.*\r\n[\t ])*.*/m.exec(message) ?? [];
  assert.equal(found.match(/\tdkim=pass header\.d=office\.test/g)?.length, 2, found);
  assert.match(found, /dmarc=pass/);
  assert.match(found, /arc=pass/);
  assert.match(message, /^ARC-Seal: i=1; a=rsa-sha256;.* cv=none;\r?\n? *d=shop\.test;/ms);
  assert.match(message, /^ARC-Authentication-Results: i=1; mx\.shop\.test;/m);
});

test('an administrator sees keys, what the DNS lacks, and what to add, and makes new keys', async (t) => {
  const internet = await Internet.open(t);
  const office = await internet.office('office.test', { people: ['anna'] });

  const before = await command(office, 'dns', 'check', 'office.test', '--json');
  assert.equal(before.code, 1, before.stderr);
  const { sound, findings } = JSON.parse(before.stdout) as ZoneChecked;
  assert.equal(sound, false);
  const wrong = findings.filter(({ about, state }) => about === 'DKIM' && state === 'wrong');
  assert.equal(wrong.length, 2);

  // The line that it says to add is the one that dns records prints, and with it the key signs.
  const { stdout: records } = await command(office, 'dns', 'records', 'office.test');
  for (const { lines } of wrong) {
    const [, selector = '', value = ''] = /^(\S+)\._domainkey\.office\.test\. IN TXT (.*)$/.exec(lines[0] ?? '') ?? [];
    assert.ok(records.includes(value) && records.includes(`${selector}._domainkey`), records);
    internet.dns.say(
      'TXT',
      `${selector}._domainkey.office.test`,
      [...value.matchAll(/"([^"]*)"/g)].map(([, part]) => part),
    );
  }
  const after = await command(office, 'dns', 'check', 'office.test');
  assert.match(after.stdout, /^good DKIM: rsa-\d{8}\._domainkey\.office\.test shows the rsa key, which signs\.$/m);
  assert.match(
    after.stdout,
    /^SHOULD SPF: office\.test has no SPF record\.\n {2}Anybody can send.*\n {4}office\.test\. IN TXT "v=spf1 /m,
  );

  const rotated = await command(office, 'dkim', 'rotate', 'office.test');
  assert.match(rotated.stdout, /waits for the DNS.*\n[\s\S]*Put the new records into the DNS/);
  assert.equal((await command(office, 'dkim', 'rotate', 'office.test')).code, 1);
  const forced = await perform(rotateKeys, { domain: 'OFFICE.test', force: true }, office);
  assert.equal(forced.filter(({ state }: KeyShown) => state === 'retired').length, 2);
  const shown = await command(office, 'dkim', 'show', 'office.test');
  assert.match(
    shown.stdout,
    /signs no more since .*; the record may go from \d{4}-\d\d-\d\d on\n {2}DNS: shows the key/,
  );
  assert.match(shown.stdout, /signs since .*\n {2}DNS: there is no such record\n {2}Put the record back: /);
  assert.match((await command(office, 'dkim', 'list')).stdout, /^office\.test +rsa-\d{8}-2 +rsa +signs +/m);
  assert.equal((await command(office, 'dns', 'check', 'example.org')).code, 1);

  // A DNS that is dead is told of once, not for each record.
  internet.dns.zone.get = () => 'SERVFAIL';
  const dead = await command(office, 'dns', 'check', 'office.test');
  assert.equal(dead.code, 1);
  assert.match(
    dead.stdout,
    /^office\.test: nobody could say anything\. Nothing could be found out .* says SERVFAIL\.\n$/,
  );
});
