import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldCase } from '../../src/message/casemap.ts';
import { decodeText, isKnownCharset, textReader } from '../../src/message/charsets.ts';
import { decodedHeader } from '../../src/message/header.ts';
import { decodeParameters, readParameters } from '../../src/message/parameters.ts';
import { decodedTransfer, decodeTransfer } from '../../src/message/transfer-encoding.ts';
import fc from '../helpers/properties.ts';

const WORDS: readonly (readonly [raw: string, text: string])[] = [
  // RFC 2047 8
  ['=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>', 'Keith Moore <moore@cs.utk.edu>'],
  ['=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=', 'Keld Jørn Simonsen'],
  [
    '=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
    'If you can read this you understand the example.',
  ],
  ['(=?ISO-8859-1?Q?a?=)', '(a)'],
  ['(=?ISO-8859-1?Q?a?= b)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a?=    \r\n   =?ISO-8859-1?Q?b?=)', '(ab)'],
  ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
  ['(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)', '(a b)'],
  // RFC 2231 5
  ['=?US-ASCII*EN?Q?Keith_Moore?=', 'Keith Moore'],
  // A character cut in two
  ['=?utf-8?Q?f=C3?= =?utf-8?Q?=BCr?=', 'für'],
  ['=?utf-8?B?4pyT?= done', '✓ done'],
  ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
  ['=?unknown-charset?Q?abc?=', 'abc'],
  ['=?utf-8?X?abc?=', '=?utf-8?X?abc?='],
  ['=?utf-8?Q?never closed', '=?utf-8?Q?never closed'],
  ['f\xc3\xbcr', 'für'],
  ['f\xfcr', 'für'],
  ['=?utf-8?Q?a=0D=0AX-Evil:_b?=', 'a X-Evil: b'],
];

for (const [raw, text] of WORDS) {
  test(`decoded, ${JSON.stringify(raw)} is ${JSON.stringify(text)}`, () => assert.equal(decodedHeader(raw), text));
}

const PARAMETERS: readonly (readonly [field: string, value: string, params: Record<string, string>])[] = [
  ['text/plain; charset=us-ascii (Plain text)', 'text/plain', { charset: 'us-ascii' }], // RFC 2045 5.1
  ['TEXT/Plain; CHARSET="us-ascii"', 'text/plain', { charset: 'us-ascii' }],
  // RFC 2231 3
  [
    'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"',
    'message/external-body',
    { 'access-type': 'URL', url: 'ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar' },
  ],
  // RFC 2231 4
  [
    "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
    'application/x-stuff',
    { title: 'This is ***fun***' },
  ],
  // RFC 2231 4.1
  [
    "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
    'application/x-stuff',
    { title: "This is even more ***fun*** isn't it!" },
  ],
  ["attachment; filename=plain.txt; filename*=utf-8''f%C3%BCr.txt", 'attachment', { filename: 'für.txt' }],
  ['attachment; filename="=?utf-8?Q?f=C3=BCr?=.txt"', 'attachment', { filename: 'für.txt' }],
  ['attachment; filename="a \\"b\\".txt"', 'attachment', { filename: 'a "b".txt' }],
  ['attachment; filename=my file (1).txt; size=3', 'attachment', { filename: 'my file', size: '3' }],
  ['attachment; filename=file(1).txt', 'attachment', { filename: 'file(1).txt' }],
  ['attachment; filename="never closed', 'attachment', { filename: 'never closed' }],
  [';;; a=b; =c; d; e=', '', { a: 'b', e: '' }],
];

for (const [field, value, params] of PARAMETERS) {
  test(`the parameters of ${JSON.stringify(field)}`, () => {
    const read = readParameters(field);
    assert.equal(read.value, value);
    assert.deepEqual(Object.fromEntries(decodeParameters(read.raw)), params);
  });
}

test('charsets of every kind are decoded', () => {
  assert.equal(decodeText(Buffer.from('f\xfcr', 'latin1'), 'ISO-8859-1'), 'für');
  assert.equal(decodeText(Buffer.from([0x80]), 'windows-1252'), '€');
  assert.equal(decodeText(Buffer.from('Hi Mom -+Jjo--!'), 'UTF-7'), 'Hi Mom -☺-!'); // RFC 2152
  assert.equal(decodeText(Buffer.from([0x81]), 'cp437'), 'ü');
  assert.equal(decodeText(Buffer.from([0xfe, 0xff, 0x00, 0x61]), 'utf-16'), 'a');
  assert.equal(decodeText(Buffer.from('für'), 'no-such-charset'), 'für');
  assert.equal(decodeText(Buffer.from([0xfc]), 'us-ascii'), 'ü');
  assert.equal(decodeText(Buffer.from('abc'), 'base64'), 'abc');
});

test('which charsets are known', () => {
  for (const known of ['US-ASCII', 'utf-8', 'KOI8-R', 'utf-7', 'cp850']) assert.ok(isKnownCharset(known), known);
  for (const unknown of ['x-nonsense', 'base64', 'hex']) assert.ok(!isKnownCharset(unknown), unknown);
});

test('text read in pieces is the same as read whole', () => {
  for (const charset of ['utf-8', 'shift_jis', 'utf-7', 'cp437']) {
    const bytes = charset === 'utf-8' ? Buffer.from('Grüße ✓ 日本 😀') : Buffer.from('plain +AGE- \x83\x65', 'latin1');
    const reader = textReader(charset);
    const pieces = Array.from(bytes, (byte) => reader.push(Buffer.of(byte)));
    assert.equal(pieces.join('') + reader.finish(), decodeText(bytes, charset));
  }
});

test('quoted-printable is decoded as RFC 2045 6.7 says, and leniently', () => {
  const decode = (text: string) => decodedTransfer(Buffer.from(text, 'latin1'), 'quoted-printable').toString('latin1');
  assert.equal(
    decode("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."),
    "Now's the time for all folk to come to the aid of their country.",
  );
  assert.equal(decode('a=3D=3d=20  \r\nb\t\nc  '), 'a== \r\nb\nc');
  assert.equal(decode('soft= \t\r\nbreak='), 'softbreak');
  assert.equal(decode('=ZZ =4 =\rx'), '=ZZ =4 =\rx');
  assert.equal(decode('end=4'), 'end=4');
});

test('base64 is decoded whatever stands between', () => {
  const decode = (text: string) => decodedTransfer(Buffer.from(text, 'latin1'), 'base64').toString('latin1');
  assert.equal(decode('aGVs\r\nbG8=\r\n'), 'hello');
  assert.equal(decode('aGVsbG8=IHdv*cmxk'), 'hello world');
  assert.equal(decode('aGVsbG8'), 'hello');
});

test('uuencoded text is decoded', () => {
  const text = 'rubbish\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nrubbish\r\n';
  assert.equal(decodedTransfer(Buffer.from(text), 'x-uuencode').toString(), 'Cat');
});

test('an encoding nobody knows has no decoder', () => {
  assert.equal(decodeTransfer('x-rot13'), null);
});

test('any bytes decode the same whole and cut anywhere', () => {
  const piece = fc.constantFrom(
    '=',
    ' ',
    '\t',
    '\r',
    '\n',
    'A',
    'g',
    '4',
    '\xff',
    'begin 644 x\n',
    '#0V%T\n',
    '==',
    '=4',
  );
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 12 }), { maxLength: 8 }), (pieces) => {
      const chunks = pieces.map((parts) => Buffer.from(parts.join(''), 'latin1'));
      for (const encoding of ['quoted-printable', 'base64', 'x-uuencode', '8bit']) {
        const decoder = decodeTransfer(encoding)!;
        const decoded = Buffer.concat([...chunks.map((chunk) => Buffer.from(decoder.push(chunk))), decoder.finish()]);
        assert.deepEqual(decoded, decodedTransfer(Buffer.concat(chunks), encoding));
      }
    }),
    { numRuns: 1000 },
  );
});

test('base64 and quoted-printable give back what was encoded', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
      const bytes = Buffer.from(array);
      const base64 = bytes.toString('base64').replace(/.{76}/g, '$&\r\n');
      assert.deepEqual(decodedTransfer(Buffer.from(base64), 'base64'), bytes);
      const quoted = bytes.toString('hex').toUpperCase().replace(/../g, '=$&').replace(/.{72}/g, '$&=\r\n');
      assert.deepEqual(decodedTransfer(Buffer.from(quoted), 'quoted-printable'), bytes);
    }),
  );
});

test('a megabyte of blanks in quoted-printable is passed on, not piled up', () => {
  const blanks = Buffer.alloc(1 << 20, ' ');
  const decoder = decodeTransfer('quoted-printable')!;
  assert.ok(decoder.push(blanks).length > blanks.length - 1000);
});

test('case is folded alike in every script', () => {
  assert.equal(foldCase('Straße'), foldCase('STRASSE'));
  assert.equal(foldCase('ΟΔΟΣ'), foldCase('οδος'));
  assert.equal(foldCase('ü'), foldCase('U\u0308'));
  assert.equal(foldCase('ﬁne'), foldCase('FINE'));
  assert.notEqual(foldCase('a'), foldCase('b'));
  fc.assert(fc.property(fc.string(), (text) => assert.equal(foldCase(foldCase(text)), foldCase(text))));
});
