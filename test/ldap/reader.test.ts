import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defaults } from '../../src/config/schema.ts';
import { checkLdap } from '../../src/ldap/check.ts';
import { connectLdap, endLdap } from '../../src/ldap/connection.ts';
import { isPerson, type LdapPerson } from '../../src/ldap/entry.ts';
import { LdapReader } from '../../src/ldap/reader.ts';
import { LdapServers } from '../../src/ldap/servers.ts';
import { type LdapSettings, ldapSettings } from '../../src/ldap/settings.ts';
import { LdapUnavailable } from '../../src/ldap/trouble.ts';
import { defer } from '../helpers/defer.ts';
import fc from '../helpers/properties.ts';
import { BASE, entry, group, hasSlapd, PASSWORD, person, READER, READER_PASSWORD, Slapd } from './slapd.ts';

/** Random values to look for; more for a long run. */
const RUNS = Number(process.env['RAINMAIL_FUZZ_RUNS'] ?? 150);
const MANY = 1_100;

const AD_PERSON = `cn=Lee\\, Anna,ou=ad,${BASE}`;
const ENTRIES = [
  person('anna', 'mailAlternateAddress: info@office.test', 'mailAlternateAddress: x@elsewhere.test', 'mailQuota: 5GB'),
  person('ben', 'shut: TRUE'),
  person('carl', 'mail: carl.older@office.test'),
  person('empty').replace(/^userPassword: .*$/m, 'mail: empty.two@office.test'),
  entry(
    `uid=none,ou=people,${BASE}`,
    'objectClass: inetOrgPerson',
    'uid: none',
    'cn: n',
    'sn: n',
    'mail: not an address',
  ),
  group('Sales', 'anna', 'ben'),
  entry(`cn=Unix,ou=groups,${BASE}`, 'objectClass: posixGroup', 'cn: Unix', 'gidNumber: 7', 'memberUid: anna'),
  entry(`ou=many,${BASE}`, 'objectClass: organizationalUnit', 'ou: many'),
  ...Array.from({ length: MANY }, (_, i) => person(`p${i}`).replace('ou=people', 'ou=many')),
  entry(
    `ou=away,${BASE}`,
    'objectClass: referral',
    'objectClass: extensibleObject',
    'ou: away',
    'ref: ldap://192.0.2.1/',
  ),
  entry(`ou=ad,${BASE}`, 'objectClass: organizationalUnit', 'ou: ad'),
  entry(
    AD_PERSON,
    'objectClass: user',
    'objectCategory: person',
    'cn: Lee, Anna',
    'sn: Lee',
    'sAMAccountName: alee',
    'displayName: Anna Lee',
    'mail: Anna.Lee@office.test',
    'proxyAddresses: SMTP:Anna.Lee@office.test',
    'proxyAddresses: smtp:alee@office.test',
    'proxyAddresses: x500:/o=Office/cn=alee',
    'userAccountControl: 512',
    'objectGUID:: QUJDREVGR0hJSktMTU5PUA==', // sixteen bytes that are text, too
    `memberOf: cn=Staff,ou=ad,${BASE}`,
    `userPassword: ${PASSWORD}`,
  ),
  entry(
    `cn=Old,ou=ad,${BASE}`,
    'objectClass: user',
    'objectCategory: person',
    'cn: Old',
    'sn: Old',
    'mail: old@office.test',
    'userAccountControl: 514',
    'objectGUID:: /wECAwQFBgcICQoLDA0ODw==',
  ),
  entry(`cn=Staff,ou=ad,${BASE}`, 'objectClass: group', 'cn: Staff', 'objectGUID:: /wECAwQFBgcICQoLDA0OEA=='),
];

function readerOf(t: TestContext, settings: LdapSettings): LdapReader {
  const reader = new LdapReader(settings, new LdapServers(settings, () => {}));
  defer(t, () => reader.close());
  return reader;
}

const unavailable = (text: RegExp) => (error: unknown) => error instanceof LdapUnavailable && text.test(error.message);

test('what stands in LDAP', async (t) => {
  if (!hasSlapd(t)) return;
  const slapd = await Slapd.start(t, ENTRIES);
  const inPeople = { base: `ou=people,${BASE}` };

  await t.test('people are read with their addresses, names, quotas and whether they may sign in', async (t) => {
    const reader = readerOf(t, slapd.settings({ ...inPeople, quota: 'mailQuota', disabled: '(shut=TRUE)' }));
    const { people } = await reader.everything();
    const of = (uid: string) => people.find(({ dn }) => dn.startsWith(`uid=${uid},`));
    const anna = of('anna') as LdapPerson;
    assert.match(anna.person.externalId, /^[0-9a-f-]{36}$/);
    const { externalId: _, ...told } = anna.person;
    assert.deepEqual(told, {
      addresses: ['anna@office.test'],
      aliases: ['info@office.test'],
      displayName: 'anna of LDAP',
      quotaBytes: 5 * 2 ** 30,
      active: true,
    });
    assert.equal((of('ben') as LdapPerson).person.active, false);
    assert.deepEqual((of('carl') as LdapPerson).person.addresses, ['carl@office.test', 'carl.older@office.test']);
    assert.deepEqual(of('none'), {
      dn: `uid=none,ou=people,${BASE}`,
      problem: '"not an address" is not a mail address.',
    });
  });

  await t.test('an Active Directory is read as it is there', async (t) => {
    const reader = readerOf(t, slapd.settings({ kind: 'active-directory', base: `ou=ad,${BASE}` }));
    const { people, groups } = await reader.everything();
    const [lee, old] = people as LdapPerson[];
    assert.deepEqual(lee!.person, {
      externalId: '4142434445464748494a4b4c4d4e4f50',
      addresses: ['anna.lee@office.test'],
      aliases: ['alee@office.test'],
      displayName: 'Anna Lee',
      quotaBytes: undefined,
      active: true,
    });
    assert.equal(old!.person.active, false);
    assert.deepEqual([lee!.groups, groups.map(({ group }) => group.name)], [[`cn=Staff,ou=ad,${BASE}`], ['Staff']]);
    for (const name of ['anna.lee@office.test', 'alee@office.test']) {
      assert.equal((await reader.personAt([name]))?.dn, lee!.dn, name);
    }
    assert.equal((await reader.personKnownAs(lee!.person.externalId))?.dn, lee!.dn);
    assert.equal(await reader.isPassword(lee!, PASSWORD), true);
    assert.equal(await reader.personAt(['old@office.test']), null, 'disabled');
    assert.equal(await reader.personKnownAs(old!.person.externalId), null);
  });

  await t.test('more than a thousand people come page by page, and without pages the server refuses', async (t) => {
    const reader = readerOf(t, slapd.settings({ base: `ou=many,${BASE}` }));
    assert.equal((await reader.everything()).people.length, MANY);
    const client = await connectLdap(slapd.tlsUrl, slapd.settings());
    defer(t, () => endLdap(client));
    await client.bind(READER, READER_PASSWORD);
    await assert.rejects(client.search(`ou=many,${BASE}`, { filter: '(uid=*)' }), /Code: 0x4/);
    const nobody = readerOf(t, slapd.settings({ bind: '', passwordFile: '' }));
    await assert.rejects(nobody.everything(), unavailable(/ldap\.base/), 'without a name nobody may read');
  });

  await t.test('referrals are counted, and nobody goes there', async (t) => {
    const everything = await readerOf(t, slapd.settings()).everything();
    assert.ok(everything.referrals > 0);
    assert.equal(everything.people.filter(isPerson).length, MANY + 6);
  });

  await t.test('a password is right for the one whose it is, and an empty one for nobody', async (t) => {
    const reader = readerOf(t, slapd.settings(inPeople));
    const anna = await reader.personAt(['anna@office.test']);
    assert.equal(await reader.isPassword(anna, PASSWORD), true);
    assert.equal(await reader.isPassword(anna, `${PASSWORD}!`), false);
    assert.equal(await reader.isPassword(anna, ''), false);
    assert.equal(await reader.isPassword(anna, 'x'.repeat(2_000)), false);
    assert.equal(await reader.isPassword(null, PASSWORD), false);
    const empty = await reader.personAt(['empty.two@office.test']);
    assert.ok(empty !== null);
    assert.equal(await reader.isPassword(empty, PASSWORD), false, 'an entry without a password');
    assert.equal(await reader.isPassword({ ...anna!, dn: 'no dn at all' }, PASSWORD), false);
    assert.equal(await reader.isPassword({ ...anna!, dn: '' }, PASSWORD), false, 'an empty name is nobody');
  });

  await t.test('what strangers type finds nobody but who has that very address', async (t) => {
    const reader = readerOf(t, slapd.settings(inPeople));
    for (const name of [
      '*',
      '*@office.test',
      'anna@office.test)(uid=*',
      '(|(mail=*))',
      'ann\\61@office.test',
      'anna*',
    ]) {
      assert.equal(await reader.personAt([name]), null, name);
    }
    const special = fc.array(
      fc.constantFrom('*', '(', ')', '\\', '\0', '|', '&', '!', '=', 'anna', '2a', '@', 'é', '\ud83d\ude00'),
    );
    const typed = fc.oneof(
      special.map((parts) => parts.join('')),
      fc.string({ unit: 'binary-ascii' }),
    );
    await fc.assert(
      fc.asyncProperty(typed, async (text) => {
        fc.pre(text !== '');
        assert.equal(await reader.personAt([text, `${text}anna@office.test`, `anna@office.test${text}`]), null);
      }),
      { numRuns: RUNS },
    );
    // A value with all of it is found as what it is.
    await slapd.add(
      entry(
        `uid=odd,ou=people,${BASE}`,
        'objectClass: inetOrgPerson',
        'uid: odd',
        'cn: o',
        'sn: o',
        'mail: "a*(b)\\\\c"@office.test',
      ),
    );
    assert.equal((await reader.personAt(['"a*(b)\\\\c"@office.test']))?.dn, `uid=odd,ou=people,${BASE}`);
    await slapd.remove('odd');
  });

  await t.test('it is told who is in a group, whichever way it is told there', async (t) => {
    for (const [more, expected] of [
      [{}, ['Sales']],
      [{ groups: '(objectClass=posixGroup)', members: 'memberUid' }, ['Unix']],
      [{ groups: 'none' }, []],
    ] as const) {
      const reader = readerOf(t, slapd.settings(more));
      const anna = await reader.personAt(['anna@office.test']);
      assert.deepEqual(
        (await reader.groupsOf(anna!)).map(({ group: { name } }) => name),
        expected,
      );
      const report = await checkLdap(slapd.settings(more), 'Anna@office.test', null);
      assert.deepEqual(report.person?.groups, expected);
    }
  });

  await t.test('StartTLS serves as well as ldaps, and without TLS only where the settings say so', async (t) => {
    const ldap = readerOf(t, slapd.settings({ ...inPeople, urls: [slapd.url] }));
    assert.ok((await ldap.personAt(['anna@office.test'])) !== null);
    const plain = readerOf(t, slapd.settings({ ...inPeople, urls: [slapd.url], startTls: false }));
    assert.ok((await plain.personAt(['anna@office.test'])) !== null);
  });

  await t.test('each thing that is wrong is told with what to do', async (t) => {
    const other = join(slapd.folder, 'other-ca.pem');
    const wrong = join(slapd.folder, 'wrong');
    await writeFile(wrong, 'a wrong password');
    const empty = join(slapd.folder, 'nothing');
    await writeFile(empty, '\n');
    for (const [more, expected] of [
      [{ ca: other }, /authority|signed/],
      [{ urls: [slapd.url], ca: other }, /authority|signed/],
      [{ ca: '' }, /ldap\.ca/],
      [{ urls: [slapd.tlsUrl.replace('127.0.0.1', 'localhost')] }, /another name|altnames/i],
      [{ urls: ['ldaps://127.0.0.1:1'] }, /nothing listens/],
      [{ urls: [`ldaps://127.0.0.1:${slapd.port}`] }, /TLS on this port/],
      [{ passwordFile: wrong }, /does not take ldap\.bind/],
      [{ passwordFile: empty }, /is empty/],
      [{ passwordFile: join(slapd.folder, 'missing') }, /ENOENT/],
      [{ bind: 'not a dn' }, /not a DN/],
      [{ base: 'dc=elsewhere,dc=test' }, /ldap\.base/],
    ] as const) {
      const settings = slapd.settings(more);
      await assert.rejects(readerOf(t, settings).everything(), unavailable(expected), JSON.stringify(more));
      const report = await checkLdap(settings, null, null);
      assert.equal(report.good, false);
      assert.match(report.trouble!, expected);
      assert.doesNotMatch(JSON.stringify(report), /the password of the reader|a wrong password/);
    }
    const report = await checkLdap(slapd.settings({ domains: ['nowhere.test'] }), 'anna@office.test', null);
    assert.match(report.found!.problems.at(-1)!, /Nobody was found/);
  });

  await t.test('the next server is asked when the first does not answer', async (t) => {
    const settings = slapd.settings({ ...inPeople, urls: ['ldaps://127.0.0.1:1', slapd.tlsUrl] });
    assert.ok((await readerOf(t, settings).personAt(['anna@office.test'])) !== null);
    const report = await checkLdap(settings, null, null);
    assert.deepEqual(
      report.servers.map(({ trouble }) => trouble === null),
      [false, true],
    );
  });

  await t.test('a server that falls silent is waited for once, then nobody waits', async (t) => {
    const reader = readerOf(t, slapd.settings({ ...inPeople, timeout: 3_000 }));
    assert.ok((await reader.personAt(['anna@office.test'])) !== null);
    await slapd.fallSilent();
    try {
      const waiting = Array.from({ length: 20 }, () => reader.personAt(['anna@office.test']));
      for (const one of await Promise.allSettled(waiting)) {
        assert.ok(one.status === 'rejected' && unavailable(/./)(one.reason));
      }
      await assert.rejects(reader.personAt(['anna@office.test']), unavailable(/./));
    } finally {
      slapd.speak();
    }
  });

  await t.test('a connection that the server closed is made anew, and nobody notices', async (t) => {
    const reader = readerOf(t, slapd.settings(inPeople));
    assert.ok((await reader.personAt(['anna@office.test'])) !== null);
    await slapd.end();
    await slapd.begin();
    assert.ok((await reader.personAt(['anna@office.test'])) !== null);
  });
});

/** A server that somebody else has put in place of ours: says what the test gives it, whatever it hears. */
async function impostor(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  defer(t, () => server.close());
  return `ldap://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** An extended response to message 2 (RFC 4511 4.12). */
const extended = (code: number) => Buffer.from([0x30, 12, 2, 1, 2, 0x78, 7, 10, 1, code, 4, 0, 4, 0]);

test('where StartTLS is refused nothing more is said', async (t) => {
  const heard: Buffer[] = [];
  const url = await impostor(t, (socket) => {
    socket.on('data', (bytes: Buffer) => heard.push(bytes));
    socket.end(extended(2));
  });
  const settings = { ...baseSettings(), urls: [url], timeout: 20_000 };
  await assert.rejects(readerOf(t, settings).everything(), unavailable(/StartTLS/));
  assert.deepEqual(Buffer.concat(heard).length, 0);
});

test('what is sent in the clear after StartTLS is never taken for an answer that came through TLS', async (t) => {
  // A whole answer to the bind that follows, and one that begins and waits for more.
  const bound = Buffer.from([0x30, 12, 2, 1, 2, 0x61, 7, 10, 1, 0, 4, 0, 4, 0]);
  for (const injected of [bound, Buffer.from([0x30, 0x7f, 2, 1, 2, 0x61, 0x7a, 10, 1, 0, 4, 0, 4, 0x73])]) {
    const url = await impostor(t, (socket) => {
      socket.write(Buffer.concat([extended(0), injected]));
    });
    const settings = { ...baseSettings(), urls: [url], timeout: 300 };
    await assert.rejects(readerOf(t, settings).isPassword(SOMEBODY, 'a password'), LdapUnavailable);
  }
});

const SOMEBODY: LdapPerson = {
  dn: 'cn=somebody',
  id: 'x',
  person: {
    externalId: 'x',
    addresses: ['x@office.test'],
    aliases: [],
    displayName: '',
    quotaBytes: undefined,
    active: true,
  },
  groups: [],
  uids: [],
};

function baseSettings(): LdapSettings {
  return ldapSettings({ ...defaults().ldap, urls: ['ldap://127.0.0.1'], base: BASE, domains: ['office.test'] })!;
}
