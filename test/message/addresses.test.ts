import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailboxesOf, readAddresses } from '../../src/message/addresses.ts';
import fc from '../helpers/properties.ts';

/** Addresses as short text: `name|route|local|domain`; a group as `name{...}`. */
function read(text: string): string[] {
  return readAddresses(text).map((address) =>
    address.kind === 'group'
      ? `${address.name}{${address.members.map((member) => `${member.local}@${member.domain}`).join(' ')}}`
      : [address.name ?? '', address.route ?? '', address.local, address.domain].join('|'),
  );
}

const TABLE: readonly (readonly [field: string, ...addresses: string[]])[] = [
  // RFC 5322 A.1.1
  ['John Doe <jdoe@machine.example>', 'John Doe||jdoe|machine.example'],
  // RFC 5322 A.1.2
  ['"Joe Q. Public" <john.q.public@example.com>', 'Joe Q. Public||john.q.public|example.com'],
  [
    'Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>',
    'Mary Smith||mary|x.test',
    '||jdoe|example.org',
    'Who?||one|y.test',
  ],
  [
    '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
    '||boss|nil.test',
    'Giant; "Big" Box||sysservices|example.net',
  ],
  // RFC 5322 A.1.3
  [
    'A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;',
    'A Group{joe@where.test joe@where.test jdoe@one.test}',
  ],
  ['Undisclosed recipients:;', 'Undisclosed recipients{}'],
  // RFC 5322 A.5
  ['Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>', 'Pete||pete|silly.test'],
  [
    "A Group(Some people) :Chris Jones <c@(Chris's host.)public.example>, joe@example.org, John <jdoe@one.test> (my dear friend); (the end of the group)",
    'A Group{c@public.example joe@example.org jdoe@one.test}',
  ],
  ['(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;', 'Hidden recipients{}'],
  // RFC 5322 A.6.1, A.6.3
  ['Joe Q. Public <john.q.public@example.com>', 'Joe Q. Public||john.q.public|example.com'],
  [
    'Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example',
    'Mary Smith|@node.test|mary|example.net',
    '||jdoe|test.example',
  ],
  ['<@a.test,@b.test:joe@c.test>', '|@a.test,@b.test|joe|c.test'],
  ['john . smith @ example . org', '||john.smith|example.org'],
  // As senders write them
  ['jdoe@example.org (John Doe)', 'John Doe||jdoe|example.org'],
  ['jdoe@example.org <jdoe@example.org>', 'jdoe@example.org||jdoe|example.org'],
  ['John Doe jdoe@example.org', '||jdoe|example.org'],
  ['"a b"@example.org', '||a b|example.org'],
  ['<"a b"@example.org>', '||a b|example.org'],
  ['user@[192.0.2.1]', '||user|[192.0.2.1]'],
  ['=?utf-8?Q?Doe,_John?= <j@example.org>', '=?utf-8?Q?Doe,_John?=||j|example.org'],
  ['J\xc3\xb6rg <j\xc3\xb6rg@ex\xc3\xa4mple.org>', 'J\xc3\xb6rg||j\xc3\xb6rg|ex\xc3\xa4mple.org'],
  ['root', '||root|'],
  ['a@b.test; c@d.test', '||a|b.test', '||c|d.test'],
  ['"never closed <a@b.test>', '||never closed <a@b.test>|'],
  ['<a@b.test', '||a|b.test'],
  ['Group: a@b.test, Inner: c@d.test;', 'Group{a@b.test c@d.test}'],
  // Whoever hides one address behind another is seen through
  ['<a@b.test> <c@d.test>', '||a|b.test', '||c|d.test'],
  ['Ann <a@b.test> Carl c@d.test', 'Ann||a|b.test', '||c|d.test'],
  ['a@b.test@d.test', '||a|b.test', '|||d.test'],
  ['<a@b.test@d.test>', '||a|b.test', '|||d.test'],
  ['Group: <a@b.test> <c@d.test>;', 'Group{a@b.test c@d.test}'],
  ['Ann <a@b.test> (at home) or so', 'Ann||a|b.test'],
  ['<>'],
  [' , ,'],
  [''],
];

for (const [field, ...addresses] of TABLE) {
  test(`the addresses of ${JSON.stringify(field)}`, () => assert.deepEqual(read(field), addresses));
}

test('the mailboxes of a list include those in groups', () => {
  const locals = mailboxesOf(readAddresses('a@x.test, g: b@x.test, c@x.test;, d@x.test')).map(({ local }) => local);
  assert.deepEqual(locals, ['a', 'b', 'c', 'd']);
});

test('well-formed addresses come back as they were written', () => {
  const word = fc.stringMatching(/^[a-z0-9!#$%&'*+/?^_`{|}~-]{1,12}$/);
  const quoted = fc.string({ unit: fc.constantFrom('a', ' ', '"', '\\', '<', '@', ',', ';', '('), minLength: 1 });
  fc.assert(
    fc.property(fc.array(fc.record({ name: quoted, local: word, domain: word }), { maxLength: 5 }), (list) => {
      const text = list.map(({ name, local, domain }) => `"${name.replace(/["\\]/g, '\\$&')}" <${local}@${domain}>`);
      assert.deepEqual(
        readAddresses(text.join(', ')),
        list.map(({ name, local, domain }) => ({ kind: 'mailbox', name, route: null, local, domain })),
      );
    }),
  );
});

test('any text is read to its end', () => {
  const unit = fc.constantFrom(
    'a',
    ' ',
    '"',
    '\\',
    '<',
    '>',
    '@',
    ',',
    ';',
    ':',
    '(',
    ')',
    '[',
    ']',
    '.',
    '=?',
    '?=',
    '\xff',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
      for (const { local, domain } of mailboxesOf(readAddresses(text)))
        assert.ok(`${local}${domain}`.length <= text.length);
    }),
    { numRuns: 2000 },
  );
});

test('a quarter of a megabyte of specials does not stop the reader', () => {
  for (const special of ['(', '<', ':', 'a:', '"', '@', '[', '\\', ',', '<@', '=?a?q?']) {
    assert.ok(readAddresses(special.repeat(100_000)).length <= 100_001);
  }
});
