import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { Refused } from '../../src/errors.ts';
import { listAudit } from '../../src/server/admin/audit.ts';
import { adoptPeople, checkLdap, refreshLdap, releasePeople } from '../../src/server/admin/ldap.ts';
import { setPolicy } from '../../src/server/admin/policy.ts';
import { status } from '../../src/server/admin/status.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { rainmail, trialOffice } from '../helpers/office.ts';
import { group, hasSlapd, PASSWORD, person, READER_PASSWORD, Slapd } from './slapd.ts';

const refusedWith = (code: string) => (error: unknown) => error instanceof Refused && error.code === code;

test('an office whose people live in LDAP', async (t) => {
  if (!hasSlapd(t)) return;
  const slapd = await Slapd.start(t, [
    person('anna'),
    person('ben'),
    person('carl'),
    person('here'),
    group('Sales', 'anna', 'ben'),
  ]);
  const office = await trialOffice(t, {
    people: ['here'],
    config: slapd.section('remember = "0s"', 'refresh = "1d"', 'timeout = "3s"', 'disabled = "(shut=TRUE)"'),
  });
  const refresh = (suspendMany = false) => perform(refreshLdap, { suspendMany }, office);
  const smtp = async (...commands: readonly (readonly [command: string, code: string])[]) => {
    const client = await LineClient.connect(office.port('smtp'));
    try {
      await client.reply('220');
      let last: string[] = [];
      for (const [command, code] of [['EHLO test', '250'], ['MAIL FROM:<a@b.test>', '250'], ...commands] as const) {
        last = await client.ask(command, code);
      }
      return last.join('\n');
    } finally {
      client.close();
    }
  };
  const imap = (name: string, password = PASSWORD) =>
    ImapDevice.signIn(office.port('imap'), office.address(name), password);
  await refresh();

  await t.test('they sign in with their password of LDAP: IMAP, POP3 and submission, and get mail', async () => {
    await office.deliver({ to: 'anna', subject: 'Invoice' });
    const [laptop] = office.devices('anna', ['laptop']);
    assert.deepEqual(await laptop.pop3((session) => session.subjects()), ['Invoice']);
    assert.equal((await laptop.imap((session) => session.uids())).length, 1);
    await office.submit({ from: 'anna', to: 'ben', raw: 'From: anna@office.test\r\nSubject: Hello\r\n\r\nHello.\r\n' });
    await assert.rejects(imap('anna', 'wrong'), /AUTHENTICATIONFAILED/);
    await assert.rejects(imap('nobody'), /AUTHENTICATIONFAILED/);
    const { untagged } = await laptop.imap((session) => session.command('CAPABILITY'));
    assert.doesNotMatch(untagged.join(), /SCRAM/);
  });

  await t.test('a group of theirs carries a policy, at once when somebody joins it there', async () => {
    await perform(setPolicy, { scope: 'group', name: 'Sales', settings: ['pop3=off'] }, office);
    const pop3 = async (name: string) => {
      const client = await LineClient.connect(office.port('pop3'));
      await client.line();
      client.send(`USER ${office.address(name)}\r\nPASS ${PASSWORD}\r\n`);
      await client.line();
      const answer = await client.line();
      client.close();
      return answer;
    };
    assert.match(await pop3('anna'), /^-ERR \[AUTH\]/);
    assert.match(await pop3('carl'), /^\+OK/);
    const session = await Pop3Device.signIn(office.port('pop3'), office.address('carl'), PASSWORD);
    const carl = 'uid=carl,ou=people,dc=office,dc=test';
    await slapd.change(`dn: cn=Sales,ou=groups,dc=office,dc=test\nchangetype: modify\nadd: member\nmember: ${carl}\n`);
    await refresh();
    assert.match(await session.rest(), /^-ERR/, 'who is signed in is signed out');
    assert.match(await pop3('carl'), /^-ERR \[AUTH\]/);
  });

  await t.test('who is disabled there is signed out here', async () => {
    const session = await imap('carl');
    await slapd.set('carl', 'shut', 'TRUE');
    const report = await refresh();
    assert.equal(report.suspended, 1);
    assert.match(await session.rest(), /BYE/);
    await assert.rejects(imap('carl'), /AUTHENTICATIONFAILED/);
    await slapd.set('carl', 'shut');
    await refresh();
    await imap('carl').then((again) => again.close());
  });

  await t.test('what is theirs is not changed here, and the text says where', async () => {
    const name = await rainmail(['account', 'name', 'anna@office.test', 'Anne', '--data', office.data]);
    assert.equal(name.code, 1);
    assert.match(
      name.stderr,
      /lives in LDAP \(ldaps:\/\/127\.0\.0\.1:\d+\): change the name there\.[\s\S]*\(directory\.outside\)/,
    );
  });

  await t.test('accounts made here stay so until they are adopted, and come back when they are released', async () => {
    const { found, good } = await perform(checkLdap, { address: null }, office);
    assert.deepEqual([found?.madeHere, good], [['here@office.test'], false]);
    assert.deepEqual(await perform(adoptPeople, { addresses: null }, office), { addresses: ['here@office.test'] });
    await assert.rejects(
      perform(adoptPeople, { addresses: ['nobody@office.test'] }, office),
      refusedWith('directory.missing'),
    );
    await imap('here').then((session) => session.close());
    await perform(releasePeople, { addresses: ['here@office.test'] }, office);
    await assert.rejects(imap('here'), /AUTHENTICATIONFAILED/);
    const audit = await perform(listAudit, { about: 'here@office.test', most: 100 }, office);
    assert.deepEqual(
      audit.map(({ action }) => action).filter((action) => /^ldap\.(adopt|release)$/.test(action)),
      ['ldap.adopt', 'ldap.release'],
    );
  });

  await t.test('somebody who came to LDAP a moment ago gets mail, and who is nobody does not', async () => {
    await slapd.add(person('emil'));
    await office.deliver({ to: 'emil', subject: 'Welcome' });
    const [phone] = office.devices('emil', ['phone']);
    assert.deepEqual(await phone.pop3((session) => session.subjects()), ['Welcome']);
    await smtp(['RCPT TO:<nobody@office.test>', '550']);
  });

  await t.test('check says what is, and what somebody would be', async () => {
    const file = join(office.folder, 'ldap.toml');
    await writeFile(file, slapd.section());
    const check = await rainmail(['ldap', 'check', 'ben@office.test', '--config', file]);
    assert.equal(check.code, 0, check.stderr);
    assert.match(check.stdout, /works\n5 people \(0 disabled\) and 1 group\.[\s\S]*Groups: +Sales/);
    await writeFile(file, slapd.section().replace(/^ca = .*$/m, ''));
    const wrong = await rainmail(['ldap', 'check', '--config', file]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stdout, /ldap\.ca/);
    const none = await rainmail(['ldap', 'check', '--config', file.replace('ldap.toml', 'none.toml')]);
    assert.match(none.stderr, /config\.invalid/);
  });

  await t.test('without LDAP the office goes on, and says so', async () => {
    const session = await imap('anna');
    await slapd.end();
    await imap('anna').then((again) => again.close()); // her password was right lately
    await assert.rejects(imap('ben', 'wrong'), /UNAVAILABLE/);
    await office.deliver({ to: 'ben', subject: 'Still here' });
    assert.match(await smtp(['RCPT TO:<fred@office.test>', '451']), /4\.4\.3/);
    await session.command('NOOP');
    session.close();
    await assert.rejects(refresh(), refusedWith('ldap.unavailable'));
    const { ldap } = await perform(status, {}, office);
    assert.deepEqual([ldap?.up, ldap?.failure === null], [false, false]);
    assert.equal(await office.metric('rainmail_ldap_up'), 0);
    assert.equal(await office.metric('rainmail_ldap_refresh_failed'), 1);
    const health = (await (await fetch(`http://127.0.0.1:${office.port('health')}/health`)).json()) as {
      status: string;
      ldap: { up: boolean };
    };
    assert.deepEqual([health.status, health.ldap.up], ['ok', false]);
    await office.restart(); // it starts without LDAP, too
    await office.until(() => office.log.includes('LDAP does not answer'));
    await assert.rejects(imap('anna'), /UNAVAILABLE/);
    await slapd.begin();
    await refresh();
    assert.equal(await office.metric('rainmail_ldap_up'), 1);
    await imap('anna').then((again) => again.close());
    assert.match(
      (await rainmail(['status', '--data', office.data])).stdout,
      /^LDAP \(.*\) answers; read at .*: 4 people, 1 group\.$/m,
    );
  });

  await t.test('a silent LDAP holds a sign-in up for a bounded time, and nobody else', async () => {
    await imap('anna').then((session) => session.close());
    await slapd.fallSilent();
    try {
      const [known, wrong] = await Promise.allSettled([imap('anna'), imap('ben', 'wrong')]);
      assert.equal(known.status, 'fulfilled');
      if (known.status === 'fulfilled') known.value.close();
      assert.match(String((wrong as PromiseRejectedResult).reason), /UNAVAILABLE/);
      await office.deliver({ to: 'ben', subject: 'Meanwhile' });
    } finally {
      slapd.speak();
    }
    await refresh();
  });

  assert.ok(!office.log.includes(PASSWORD) && !office.log.includes(READER_PASSWORD), 'no password is logged');
});

test('where no LDAP is configured its commands say so', async (t) => {
  const office = await trialOffice(t, { people: [] });
  await assert.rejects(perform(refreshLdap, { suspendMany: false }, office), refusedWith('ldap.off'));
  assert.equal((await perform(status, {}, office)).ldap, null);
  await office.stop();
  await assert.rejects(perform(checkLdap, { address: null }, office), refusedWith('ldap.off'));
  const both = await rainmail(['ldap', 'adopt', '--data', office.data]);
  assert.match(both.stderr, /Name the accounts, or say --all/);
});
