/** What is taken out of messages as they come in: who gets one without the others knowing, and results that are not ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgedResults, HIDDEN_FIELDS } from '../../../src/smtp/syntax/dropped-fields.ts';
import { FieldFilter, type FieldRule } from '../../../src/smtp/syntax/field-filter.ts';
import fc from '../../helpers/properties.ts';

/** The message in pieces of this size, none of which cuts a CRLF. */
function* pieces(text: string, size: number): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + size);
    if (text[end - 1] === '\r' && text[end] === '\n') end += 1;
    yield Buffer.from(text.slice(at, end), 'latin1');
    at = end;
  }
}

function through(text: string, size = text.length, rules: readonly FieldRule[] = HIDDEN_FIELDS): string {
  const fields = new FieldFilter(rules);
  const out = [...pieces(text, size)].map((piece) => fields.push(piece));
  return Buffer.concat([...out, fields.finish()]).toString('latin1');
}

const MESSAGE =
  'From: anna@office.test\r\nBcc: carl@example.net,\r\n dora@example.net\r\n\temil@example.net\r\nTo: ben@office.test\r\nBccx: stays\r\nB: stays\r\nX-Bcc: stays\r\nRESENT-BCC : fritz@example.net\r\nSubject: Bcc: stays\r\n bcc: stays\r\n\r\nBcc: in the body it stays\r\n';
const REST =
  'From: anna@office.test\r\nTo: ben@office.test\r\nBccx: stays\r\nB: stays\r\nX-Bcc: stays\r\nSubject: Bcc: stays\r\n bcc: stays\r\n\r\nBcc: in the body it stays\r\n';

test('Bcc and Resent-Bcc go with all their lines, and nothing else does, however the bytes come', () => {
  for (let size = 1; size <= MESSAGE.length; size++) assert.equal(through(MESSAGE, size), REST, `pieces of ${size}`);
});

test('a header that ends in the middle comes out whole, but for the fields', () => {
  for (const [text, rest] of [
    ['Bcc: carl@example.net\r\n\r\nHello\r\n', '\r\nHello\r\n'],
    ['Bcc: carl@example.net\r\n', ''],
    ['Bc', 'Bc'],
    ['Bcc', 'Bcc'],
    ['', ''],
    ['\r\nBcc: body\r\n', '\r\nBcc: body\r\n'],
  ] as const) {
    for (let size = 1; size <= text.length; size++) assert.equal(through(text, size), rest);
  }
});

test('a message without such fields comes out as it went in', () => {
  const line = fc
    .array(fc.constantFrom('b', 'B', 'c', 'C', ':', ' ', '\t', 'x', '-'), { maxLength: 12 })
    .map((chars) => chars.join(''))
    .filter((text) => !/^(?:resent-)?bcc[ \t]*:/i.test(text));
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 20 }), (lines, size) => {
      const text = lines.map((each) => `${each}\r\n`).join('');
      assert.equal(through(text, size), text);
    }),
  );
});

const FORGED = [
  'Authentication-Results: mail.office.test; dkim=pass header.d=bank.test',
  'authentication-results : MAIL.Office.test.;spf=pass',
  'Authentication-Results:\r\n (a \\) (nested) comment)\r\n\tmail.office.test 1;\r\n\tspf=pass',
  'Authentication-Results: "mail.office\\.test"; spf=pass',
  'Authentication-Results: ; spf=pass',
  'Authentication-Results:',
  `Authentication-Results: mail.office.test; ${'x=pass '.repeat(2_000)}\r\n\tspf=pass`,
];
const HONEST = [
  'Authentication-Results: mail.elsewhere.test; spf=pass (mail.office.test)',
  'Authentication-Results: (mail.office.test) mail.elsewhere.test; dkim=pass',
  'ARC-Authentication-Results: i=1; mail.office.test; spf=pass',
  'X-Authentication-Results: mail.office.test; spf=pass',
  'Subject: Authentication-Results: mail.office.test',
  `Authentication-Results: elsewhere.test; ${'x=pass '.repeat(2_000)}\r\n\tspf=pass`,
];

test('results that claim to be ours go, those of others stay, however the bytes come', () => {
  const rules = [...HIDDEN_FIELDS, forgedResults('mail.office.test')];
  const all = [
    HONEST[0],
    FORGED[0],
    FORGED[1],
    HONEST[1],
    ...FORGED.slice(2),
    ...HONEST.slice(2),
    'Bcc: anna@office.test',
  ];
  const text = `${all.join('\r\n')}\r\n\r\n${FORGED[0]}\r\n`;
  const rest = `${HONEST.join('\r\n')}\r\n\r\n${FORGED[0]}\r\n`;
  for (const size of [1, 2, 3, 7, 64, 1_000, 4_095, 4_096, 5_000, text.length]) {
    assert.equal(through(text, size, rules), rest, `pieces of ${size}`);
  }
  for (const field of FORGED) assert.equal(through(`${field}\r\n`, 5, rules), '');
});

test('what is held back of a field that has no end is bounded', () => {
  const filter = new FieldFilter([forgedResults('mail.office.test')]);
  let out = filter.push(Buffer.from('Authentication-Results: elsewhere.test;')).length;
  let given = out;
  for (let count = 0; count < 1_000; count++) {
    given += 20;
    out += filter.push(Buffer.from('\r\n\tspf=pass and more')).length;
    assert.ok(given + 60 - out < 5_000);
  }
});

test('nobody has blanks before a colon held back without end, and no forged field stays for them', () => {
  const filter = new FieldFilter([forgedResults('mail.office.test')]);
  const blanks = Buffer.alloc(1_000, ' ');
  filter.push(Buffer.from('Subject: Lunch?\r\nAuthentication-Results'));
  for (let count = 0; count < 20; count++) assert.equal(filter.push(blanks).length, 0);
  assert.equal(filter.finish().length, 0); // so nothing of them is held
  const end = filter.push(Buffer.from(': mail.office.test; dmarc=pass\r\n folded\r\nTo: ben@office.test\r\n'));
  assert.equal(end.toString(), 'To: ben@office.test\r\n');
});

test('a field that is longer than what is held back is not let through because it is cut within the name it claims', () => {
  const results = 'mail.office.test; dmarc=pass header.from=bank.test\r\n';
  for (let padding = 4_040; padding < 4_090; padding++) {
    const begun = `Authentication-Results: (${'x'.repeat(padding)}) `;
    for (let cut = 1; cut < results.length; cut++) {
      const filter = new FieldFilter([forgedResults('mail.office.test')]);
      const pieces = [begun + results.slice(0, cut), `${results.slice(cut)}\r\n`].map((text) => Buffer.from(text));
      const out = Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.finish()]);
      assert.equal(out.toString(), '\r\n', `${padding} ${cut}`);
    }
  }
});

test('results that bear our name in Unicode claim to be ours (RFC 8616)', () => {
  const field = (id: string) => Buffer.from(`Authentication-Results: ${id}; dkim=pass\r\n`).toString('latin1');
  const rules = [forgedResults('post.xn--bro-hoa.test')];
  assert.equal(through(`${field('Post.BÜRO.test')}${field('post.xn--bro-hoa.test')}\r\n`, 7, rules), '\r\n');
  assert.equal(through(`${field('post.buero.test')}\r\n`, 7, rules), `${field('post.buero.test')}\r\n`);
});
