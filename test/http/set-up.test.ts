import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import { perform } from '../../src/cli/perform.ts';
import { addAlias } from '../../src/server/admin/aliases.ts';
import { addAppPassword } from '../../src/server/admin/app-passwords.ts';
import { showDnsRecords } from '../../src/server/admin/dns.ts';
import { setPolicy, unsetPolicy } from '../../src/server/admin/policy.ts';
import { activeSync, OUTLOOK_HEADERS, outlook2010, outlook2016 } from '../autoconfig/requests.ts';
import { PASSWORD, rainmail } from '../helpers/office.ts';
import type { Answer } from './ask.ts';
import { sharedOffice } from './shared-office.ts';

const at = sharedOffice({
  people: ['anna', 'ben'],
  config: '[clients]\norganisation = "Fruit & Sons"\nhost = "mx.office.test"\n',
});
const { plain, secure } = at;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  isArray: (name) => ['incomingServer', 'outgoingServer', 'Protocol'].includes(name),
});

/** All of an answer but the time it was given. */
const whole = ({ status, headers, body }: Answer) => [status, { ...headers, date: '' }, body];

const basic = (name: string, password = PASSWORD) => ({
  ...OUTLOOK_HEADERS,
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

const autodiscover = (headers: Record<string, string>, body: string, path = '/autodiscover/autodiscover.xml') =>
  secure(path, { method: 'POST', headers, body });

test('Thunderbird finds the settings of a domain, with TLS and without, at both of its addresses', async () => {
  const asked = '?emailaddress=anna%40office.test';
  const answers = await Promise.all([
    plain(`/mail/config-v1.1.xml${asked}`, { headers: { host: 'autoconfig.office.test' } }),
    plain(`/.well-known/autoconfig/mail/config-v1.1.xml${asked}`, { headers: { host: 'office.test' } }),
    secure('/mail/config-v1.1.xml', { headers: { host: 'AutoConfig.Office.TEST:443' } }),
    secure(`/.well-known/autoconfig/mail/config-v1.1.xml${asked}`, { headers: { host: 'somewhere.example' } }),
  ]);
  const { headers, body } = answers[0]!;
  for (const answer of answers) assert.deepEqual([answer.status, answer.body], [200, body]);
  assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
  const { '@version': version, emailProvider } = parser.parse(body).clientConfig;
  assert.equal(version, '1.1');
  assert.deepEqual([emailProvider['@id'], emailProvider.domain], ['office.test', 'office.test']);
  assert.equal(emailProvider.displayName, 'Fruit & Sons');
  const [imaps, pop3s] = [at.office.port('imaps'), at.office.port('pop3s')];
  const server = { hostname: 'mx.office.test', username: '%EMAILADDRESS%', authentication: 'password-cleartext' };
  assert.deepEqual(emailProvider.incomingServer[0], { '@type': 'imap', port: imaps, socketType: 'SSL', ...server });
  assert.deepEqual(emailProvider.incomingServer[2], {
    '@type': 'pop3',
    port: pop3s,
    socketType: 'SSL',
    ...server,
    pop3: { leaveMessagesOnServer: true, daysToLeaveMessagesOnServer: 36500, downloadOnBiff: true },
  });
  const smtp = emailProvider.outgoingServer.map((one: Record<string, unknown>) => [one['port'], one['socketType']]);
  assert.deepEqual(smtp, [
    [at.office.port('submissions'), 'SSL'],
    [at.office.port('submission'), 'STARTTLS'],
  ]);
});

test('who has not signed in learns nothing of which addresses exist', async () => {
  const questions = [
    (address: string) => plain(`/mail/config-v1.1.xml?emailaddress=${address}`),
    (address: string) => secure(`/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=${address}`),
    (address: string) => secure(`/autodiscover/autodiscover.json?Email=${address}&Protocol=AutodiscoverV1`),
    (address: string) => secure(`/autodiscover/autodiscover.json/v1.0/${address}?Protocol=Autodiscoverv1`),
    (address: string) => secure(`/autodiscover/autodiscover.json?Email=${address}&Protocol=EWS`),
    (address: string) => autodiscover(OUTLOOK_HEADERS, outlook2016(address)),
    (address: string) => autodiscover(basic(address, 'wrong'), outlook2016(address)),
  ];
  for (const question of questions) {
    assert.deepEqual(whole(await question('nobody@office.test')), whole(await question('anna@office.test')));
  }
  const foreign = await secure('/mail/config-v1.1.xml?emailaddress=anna@elsewhere.example');
  assert.equal(foreign.status, 404);
  for (const address of ['x@other.example', 'anna', '@', '%00@%00', 'a@b@c', `${'a'.repeat(5000)}@office.test`]) {
    assert.deepEqual(whole(await secure(`/mail/config-v1.1.xml?emailaddress=${address}`)), whole(foreign), address);
  }
});

test('Outlook signs in before it is told anything, and then hears what is its own', async () => {
  const asked = await autodiscover(OUTLOOK_HEADERS, outlook2016('anna@office.test'));
  assert.deepEqual([asked.status, asked.headers['www-authenticate']], [401, 'Basic realm="Rainmail", charset="UTF-8"']);
  for (const [path, request] of [
    ['/autodiscover/autodiscover.xml', outlook2016],
    ['/Autodiscover/Autodiscover.xml', outlook2010],
    ['/AutoDiscover/AutoDiscover.XML?x=y', outlook2016],
  ] as const) {
    const answer = await autodiscover(basic('anna@office.test'), request('Anna@Office.Test'), path);
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.headers['content-type'], 'text/xml; charset=utf-8');
    const { Account, User } = parser.parse(answer.body).Autodiscover.Response;
    assert.equal(User.DisplayName, 'anna');
    const protocols = Account.Protocol.map((one: Record<string, unknown>) => [
      one['Type'],
      one['Server'],
      one['Port'],
      one['LoginName'],
    ]);
    assert.deepEqual(protocols, [
      ['IMAP', 'mx.office.test', at.office.port('imaps'), 'anna@office.test'],
      ['POP3', 'mx.office.test', at.office.port('pop3s'), 'anna@office.test'],
      ['SMTP', 'mx.office.test', at.office.port('submissions'), 'anna@office.test'],
    ]);
  }
});

test('nobody is told the settings of another, whether there is such a person or not', async () => {
  const [bens, nobodys] = await Promise.all(
    ['ben@office.test', 'nobody@office.test'].map((address) =>
      autodiscover(basic('anna@office.test'), outlook2016(address)),
    ),
  );
  assert.equal(bens!.status, 403);
  assert.match(bens!.body, /this address is not yours/);
  assert.deepEqual(whole(nobodys!), whole(bens!));
});

test('an address that leads to somebody is theirs: aliases, and details behind a plus', async () => {
  await perform(addAlias, { address: 'info@office.test', accounts: ['anna@office.test'] }, at.office);
  for (const address of ['info@office.test', 'anna+lists@office.test']) {
    const answer = await autodiscover(basic('anna@office.test'), outlook2016(address));
    assert.match(answer.body, /<LoginName>anna@office.test<\/LoginName>/, address);
  }
});

test('people in the POP3 set are set up for POP3, those in the IMAP set for IMAP, before and after signing in', async () => {
  const office = at.office;
  const ben = { scope: 'account' as const, name: 'ben@office.test' };
  const domain = { scope: 'domain' as const, name: 'office.test' };
  const everyone = { scope: 'everyone' as const, name: '' };
  await perform(setPolicy, { ...domain, settings: ['prefer=pop3'] }, office);
  await perform(setPolicy, { ...ben, settings: ['prefer=imap', 'pop3=off', 'submission=off'] }, office);
  try {
    const told = async (name: string) => {
      const answer = await autodiscover(basic(name), outlook2016(name));
      return parser.parse(answer.body).Autodiscover.Response.Account.Protocol.map((one: { Type: string }) => one.Type);
    };
    assert.deepEqual(await told('anna@office.test'), ['POP3', 'IMAP', 'SMTP']);
    assert.deepEqual(await told('ben@office.test'), ['IMAP']);
    const config = async (address: string) => (await secure(`/mail/config-v1.1.xml?emailaddress=${address}`)).body;
    const types = async () => [...(await config('anna@office.test')).matchAll(/type="(\w+)"/g)].map(([, type]) => type);
    // What only one person may is no business of the domain's answer.
    assert.equal(await config('ben@office.test'), await config('anna@office.test'));
    assert.deepEqual(await types(), ['pop3', 'pop3', 'imap', 'imap', 'smtp', 'smtp']);
    await perform(setPolicy, { ...domain, settings: ['imap=off'] }, office);
    assert.deepEqual(await types(), ['pop3', 'pop3', 'smtp', 'smtp']);
    assert.deepEqual(await told('anna@office.test'), ['POP3', 'SMTP']);
    await perform(setPolicy, { ...everyone, settings: ['pop3.letGo=remove'] }, office);
    assert.match(await config('anna@office.test'), /<leaveMessagesOnServer>false</);
  } finally {
    await perform(unsetPolicy, { ...ben, settings: ['prefer', 'pop3', 'submission'] }, office);
    await perform(unsetPolicy, { ...domain, settings: ['prefer', 'imap'] }, office);
    await perform(unsetPolicy, { ...everyone, settings: ['pop3.letGo'] }, office);
  }
});

test('an app password of any kind gets the settings', async () => {
  const request = { address: 'ben@office.test', name: 'Outlook', protocols: ['imap' as const] };
  const made = await perform(addAppPassword, request, at.office);
  const answer = await autodiscover(basic('ben@office.test', made.password), outlook2016('ben@office.test'));
  assert.equal(answer.status, 200);
});

test('what is no request is refused before a password is looked at', async () => {
  const attempts = () => at.office.metric('rainmail_sign_ins_total');
  const before = await attempts();
  const wrong = basic('anna@office.test', 'wrong');
  const laughs = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>${outlook2016('&b;')}`;
  for (const body of ['', '<', '<Autodiscover/>', laughs])
    assert.equal((await autodiscover(wrong, body)).status, 400, body);
  assert.equal((await autodiscover(wrong, 'x'.repeat(5000))).status, 413);
  assert.equal((await autodiscover({ ...wrong, 'content-type': 'application/json' }, '{}')).status, 415);
  for (const authorization of ['Basic', 'Basic ', 'Basic !!!', 'Basic YQ==']) {
    const { status } = await autodiscover({ ...OUTLOOK_HEADERS, authorization }, outlook2016('anna@office.test'));
    assert.ok([400, 401].includes(status), authorization);
  }
  assert.equal(await attempts(), before);
});

test('a phone that looks for an Exchange server hears that there is none', async () => {
  const answer = await autodiscover(basic('anna@office.test'), activeSync('anna@office.test'));
  assert.equal(parser.parse(answer.body).Autodiscover.Response.Error.ErrorCode, 601);
});

test('without TLS nobody can sign in: Outlook is sent to https', async () => {
  const host = { host: 'autodiscover.office.test' };
  const sent = await plain('/Autodiscover/Autodiscover.xml', { headers: host });
  const https = at.office.port('https');
  const location = `https://mx.office.test:${https}/autodiscover/autodiscover.xml`;
  assert.deepEqual([sent.status, sent.headers.location], [302, location]);
  const posted = await plain('/autodiscover/autodiscover.xml', {
    method: 'POST',
    headers: { ...basic('anna@office.test'), ...host },
    body: outlook2016('anna@office.test'),
  });
  assert.equal(posted.status, 403);
});

test('version 2 of autodiscover points to version 1', async () => {
  const answer = await secure('/autodiscover/autodiscover.json?Email=anna@office.test&Protocol=AutodiscoverV1');
  assert.deepEqual(JSON.parse(answer.body), {
    Protocol: 'AutodiscoverV1',
    Url: `https://mx.office.test:${at.office.port('https')}/autodiscover/autodiscover.xml`,
  });
  assert.equal((await secure('/autodiscover/autodiscover.json?Protocol=EWS')).status, 400);
});

test('the DNS records of a domain name the ports that are served', async () => {
  const { stdout } = await rainmail(['dns', 'records', 'Office.TEST', '--data', at.office.data]);
  assert.ok(stdout.includes('$ORIGIN office.test.\n'), stdout);
  const [imaps, https] = [at.office.port('imaps'), at.office.port('https')];
  assert.match(stdout, new RegExp(`^_imaps\\._tcp +IN SRV +0 1 ${imaps} mx\\.office\\.test\\.$`, 'm'));
  assert.match(stdout, new RegExp(`^_autodiscover\\._tcp +IN SRV +0 0 ${https} mx\\.office\\.test\\.$`, 'm'));
  assert.doesNotMatch(stdout, / IN MX /); // nobody brings mail to the port that the test's office has
  await assert.rejects(perform(showDnsRecords, { domain: 'other.example' }, at.office), { code: 'directory.missing' });
});
