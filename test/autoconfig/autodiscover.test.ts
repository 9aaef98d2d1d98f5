import assert from 'node:assert/strict';
import { test } from 'node:test';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { mailAccount } from '../../src/autoconfig/account.ts';
import {
  autodiscoverAnswer,
  autodiscoverPointer,
  autodiscoverRefusal,
  readAutodiscoverRequest,
} from '../../src/autoconfig/autodiscover.ts';
import { BadCommand } from '../../src/errors.ts';
import fc from '../helpers/properties.ts';
import { access, services } from './facts.ts';
import { activeSync, outlook2010, outlook2016 } from './requests.ts';

const anna = { displayName: 'Anna & "Lee"', userName: 'anna@office.test' };
const RUNS = Number(process.env['RAINMAIL_XML_RUNS'] ?? 300);

test('the requests of Outlook and of phones are understood', () => {
  const address = 'anna@office.test';
  for (const request of [outlook2016, outlook2010]) {
    assert.deepEqual(readAutodiscoverRequest(request(address)), { address, forMail: true });
  }
  assert.deepEqual(readAutodiscoverRequest(activeSync(address)), { address, forMail: false });
  assert.equal(readAutodiscoverRequest(outlook2016('o&apos;brien@office.test')).address, "o'brien@office.test");
  assert.equal(readAutodiscoverRequest(outlook2016('<![CDATA[a&b@office.test]]>')).address, 'a&b@office.test');
});

test('a prefix for the namespace, other elements and a request without an address are no mistake', () => {
  const text = `<a:Autodiscover xmlns:a="http://x"><a:Request><a:LegacyDN>/o=x</a:LegacyDN></a:Request></a:Autodiscover>`;
  assert.deepEqual(readAutodiscoverRequest(text), { address: '', forMail: true });
});

test('what is no request is the mistake of the client, and nothing in it is expanded', () => {
  const laughs = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
  const wrong = [
    '',
    'not XML',
    '<Autodiscover/>',
    '<Autodiscover><Request/></Autodiscover>',
    '<Autodiscover><Request><EMailAddress>a@b.test</EMailAddress></Autodiscover>',
    `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>${outlook2016('&l9;')}`,
    `<!doctype x SYSTEM "file:///etc/passwd">${outlook2016('a@b.test')}`,
    `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1/">]>${outlook2016('&x;')}`,
    '<Autodiscover><Request><EMailAddress>a@b.test</EMailAddress><EMailAddress>b@b.test</EMailAddress></Request></Autodiscover>',
    '<Autodiscover><Request><EMailAddress><b>a</b></EMailAddress></Request></Autodiscover>',
    `${'<a>'.repeat(2000)}${'</a>'.repeat(2000)}`,
    '<__proto__><Request/></__proto__>',
    '<Autodiscover><Request><constructor>x</constructor></Request></Autodiscover>',
    outlook2016('a@b.test').slice(0, -5),
  ];
  for (const text of wrong) assert.throws(() => readAutodiscoverRequest(text), BadCommand, text.slice(0, 80));
  // An entity that nobody declared is text, and no address.
  assert.equal(readAutodiscoverRequest(outlook2016('&l9;')).address, '&l9;');
});

test('whatever is sent, it is read or it is a mistake of the client', () => {
  const part = fc.constantFrom(
    ...[
      '<',
      '>',
      '</',
      '/>',
      '<!',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?xml',
      '?>',
      '&',
      '&#',
      '&#x41;',
      '&amp;',
      ';',
      '"',
      '=',
      ' ',
    ],
    ...[
      'Autodiscover',
      'Request',
      'EMailAddress',
      'AcceptableResponseSchema',
      '__proto__',
      'xmlns',
      'a@b.test',
      '\u0000',
      '\ufeff',
      '\ud800',
    ],
  );
  const soup = fc.array(part, { maxLength: 60 }).map((parts) => parts.join(''));
  const sent = outlook2016('anna@office.test');
  const damaged = fc
    .tuple(fc.nat(sent.length), fc.nat(20), soup)
    .map(([at, less, more]) => sent.slice(0, at) + more + sent.slice(at + less));
  fc.assert(
    fc.property(fc.oneof(soup, damaged, fc.string({ unit: 'binary' })), (text) => {
      try {
        const { address, forMail } = readAutodiscoverRequest(text);
        assert.deepEqual([typeof address, typeof forMail], ['string', 'boolean']);
      } catch (error) {
        assert.ok(error instanceof BadCommand, String(error));
      }
    }),
    { numRuns: RUNS },
  );
});

/** Reads an answer as Outlook does. */
function read(answer: string) {
  assert.equal(XMLValidator.validate(answer), true);
  const isArray = (name: string) => name === 'Protocol';
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false, isArray });
  return parser.parse(answer).Autodiscover.Response;
}

test('somebody is told the protocol that is theirs first, with TLS from the first byte, and how to send', () => {
  const types = (rules: Parameters<typeof access>[0]) =>
    read(autodiscoverAnswer(anna, mailAccount(services, access(rules)))).Account.Protocol.map(
      ({ Type, Port, Encryption }: Record<string, string>) => `${Type} ${Port} ${Encryption}`,
    );
  assert.deepEqual(types({}), ['IMAP 993 SSL', 'POP3 995 SSL', 'SMTP 465 SSL']);
  assert.deepEqual(types({ prefer: 'pop3' }), ['POP3 995 SSL', 'IMAP 993 SSL', 'SMTP 465 SSL']);
  assert.deepEqual(types({ imap: false }), ['POP3 995 SSL', 'SMTP 465 SSL']);
  assert.deepEqual(types({ pop3: false, submission: false }), ['IMAP 993 SSL']);
});

test('an answer has the form of the schema', () => {
  const answer = autodiscoverAnswer(anna, mailAccount({ ...services, imap: services.imap.slice(1) }, access()));
  assert.match(
    answer,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<Autodiscover xmlns="http:\/\/schemas\.microsoft\.com\/exchange\/autodiscover\/responseschema\/2006">/,
  );
  const { User, Account, '@xmlns': schema } = read(answer);
  assert.equal(schema, 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a');
  assert.equal(User.DisplayName, 'Anna & "Lee"');
  assert.deepEqual([Account.AccountType, Account.Action], ['email', 'settings']);
  assert.deepEqual(Account.Protocol[0], {
    Type: 'IMAP',
    Server: 'mail.office.test',
    Port: '143',
    DomainRequired: 'off',
    LoginName: 'anna@office.test',
    SPA: 'off',
    SSL: 'on',
    AuthRequired: 'on',
    Encryption: 'TLS',
  });
  assert.equal(Account.Protocol.at(-1).UsePOPAuth, 'on');
});

test('what is not served is refused in the words of the schema', () => {
  const { Error: error } = read(autodiscoverRefusal('09:30:00.123'));
  assert.deepEqual([error.ErrorCode, error['@Time']], ['601', '09:30:00.123']);
});

test('version 2 points to version 1, and knows nothing else', () => {
  const url = 'https://mail.office.test/autodiscover/autodiscover.xml';
  assert.deepEqual(autodiscoverPointer('AutodiscoverV1', url), { Protocol: 'AutodiscoverV1', Url: url });
  for (const protocol of ['ActiveSync', 'EWS', '', '__proto__']) assert.equal(autodiscoverPointer(protocol, url), null);
});
