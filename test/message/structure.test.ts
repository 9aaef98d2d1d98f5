import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { analyse, MessageAnalyser } from '../../src/message/analyser.ts';
import { bodyText } from '../../src/message/body-structure.ts';
import { sentDay } from '../../src/message/envelope.ts';
import { filterHeader } from '../../src/message/header.ts';
import { MAX_PARTS } from '../../src/message/mime-reader.ts';
import { partText } from '../../src/message/search-text.ts';
import { partAt, type SectionSpec, section } from '../../src/message/sections.ts';
import { serializeParts } from '../../src/message/stored-parts.ts';
import fc from '../helpers/properties.ts';
import { message } from './corpus.ts';
import { searchableText } from './searchable-text.ts';
import { assertSound } from './structure-checks.ts';

/** The structure of RFC 9051 6.4.5.1's example: a message with parts 1, 2, 3 (a message with 3.1 and 3.2) and 4 (4.1, 4.2 and within). */
const NESTED = message(
  'From: a@x.test',
  'Subject: outer',
  'Content-Type: multipart/mixed; boundary=A',
  '',
  'preamble',
  '--A',
  '',
  'one',
  '--A',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: base64',
  '',
  'dHdv',
  '--A',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: multipart/mixed; boundary=B',
  '',
  '--B',
  'X-Part: 3.1',
  '',
  'three-one',
  '--B',
  '',
  'three-two',
  '--B--',
  '--A',
  'Content-Type: multipart/mixed; boundary=C',
  '',
  '--C',
  'Content-Type: image/gif',
  '',
  'GIF',
  '--C',
  'Content-Type: message/rfc822',
  '',
  'Subject: plain inner',
  '',
  'four-two-one',
  '--C--',
  'epilogue of C',
  '--A--',
  'epilogue',
);

const SECTIONS: readonly (readonly [path: number[], spec: SectionSpec, text: string | null])[] = [
  [[1], '', 'one'],
  [[1], 'MIME', '\r\n'],
  [[2], '', 'dHdv'],
  [[3], 'HEADER', 'Subject: inner\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n'],
  [[3], 'MIME', 'Content-Type: message/rfc822\r\n\r\n'],
  [[3], 'TEXT', '--B\r\nX-Part: 3.1\r\n\r\nthree-one\r\n--B\r\n\r\nthree-two\r\n--B--'],
  [[3, 1], '', 'three-one'],
  [[3, 1], 'MIME', 'X-Part: 3.1\r\n\r\n'],
  [[3, 2], '', 'three-two'],
  [[3, 3], '', null],
  [[4, 1], '', 'GIF'],
  [[4, 1], 'HEADER', null],
  [[4, 2], 'HEADER', 'Subject: plain inner\r\n\r\n'],
  [[4, 2], 'TEXT', 'four-two-one'],
  [[4, 2, 1], '', 'four-two-one'],
  [[4, 2, 1], 'MIME', 'Subject: plain inner\r\n\r\n'],
  [[4, 2, 2], '', null],
  [[4, 2, 1, 1], '', null],
  [[1, 1], '', null],
  [[5], '', null],
  [[0], '', null],
];

test('every section of a nested message is found (RFC 9051 6.4.5.1)', () => {
  const { root } = analyse(NESTED);
  for (const [path, spec, text] of SECTIONS) {
    const range = section(root, path, spec);
    const found = range === null ? null : NESTED.toString('latin1', range.from, range.to);
    assert.equal(found, text, `${path.join('.')} ${spec}`);
  }
  assert.deepEqual(section(root, [], ''), { from: 0, to: NESTED.length });
  assert.equal(partAt(root, [2])?.encoding, 'base64');
});

test('part 1 of a message without parts is its body', () => {
  const plain = message('Subject: a', '', 'body');
  const { root } = analyse(plain);
  assert.deepEqual(section(root, [1], ''), section(root, [], 'TEXT'));
  assert.deepEqual(section(root, [1], 'MIME'), section(root, [], 'HEADER'));
  assert.equal(section(root, [2], ''), null);
  assert.equal(section(root, [1, 1], ''), null);
});

test('the envelope of RFC 9051 8 comes out as its example shows', () => {
  const { envelope, bodyStructure, sent } = analyse(
    message(
      'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
      'From: Terry Gray <gray@cac.washington.example>',
      'Subject: IMAP4rev2 WG mtg summary and minutes',
      'To: imap@cac.washington.example',
      'cc: minutes@CNRI.Reston.VA.example, John Klensin <KLENSIN@MIT.example>',
      'Message-Id: <B27397-0100000@cac.washington.example>',
      'MIME-Version: 1.0',
      'Content-Type: TEXT/PLAIN; CHARSET=US-ASCII',
      '',
      'text',
    ),
  );
  assert.equal(
    envelope,
    '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" ' +
      '(("Terry Gray" NIL "gray" "cac.washington.example")) ' +
      '(("Terry Gray" NIL "gray" "cac.washington.example")) ' +
      '(("Terry Gray" NIL "gray" "cac.washington.example")) ' +
      '((NIL NIL "imap" "cac.washington.example")) ' +
      '((NIL NIL "minutes" "CNRI.Reston.VA.example")("John Klensin" NIL "KLENSIN" "MIT.example")) ' +
      'NIL NIL "<B27397-0100000@cac.washington.example>")',
  );
  assert.equal(bodyStructure, '("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 6 1 NIL NIL NIL NIL)');
  assert.equal(sent, Date.UTC(1996, 6, 17, 9, 23, 25) / 1000);
  assert.equal(sentDay(envelope), Date.UTC(1996, 6, 17) / 86_400_000);
});

test('groups, empty fields, quotes, 8-bit bytes and bare CR keep an envelope readable', () => {
  const bytes = Buffer.from(
    'From: "A \\"B\\"" <@r.test:a@x.test>\r\nSender: \r\nTo: team: b@x.test, c@x.test;\r\nSubject: f\xfcr\r\nCc: u:;\r\nIn-Reply-To:\r\nMessage-ID: a\rb\0\r\n\r\n',
    'latin1',
  );
  const { envelope } = analyse(bytes);
  const from = '(("A \\"B\\"" "@r.test" "a" "x.test"))';
  assert.equal(
    envelope,
    `(NIL {3}\r\nf\xfcr ${from} ${from} ${from} ` +
      '((NIL NIL "team" NIL)(NIL NIL "b" "x.test")(NIL NIL "c" "x.test")(NIL NIL NIL NIL)) ' +
      '((NIL NIL "u" NIL)(NIL NIL NIL NIL)) NIL "" {3}\r\na\rb)',
  );
});

test('BODY is BODYSTRUCTURE without its extension data', () => {
  const { bodyStructure } = analyse(NESTED);
  assert.equal(
    bodyText(bodyStructure),
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0)' +
      '("application" "octet-stream" NIL NIL NIL "base64" 4)' +
      '("message" "rfc822" NIL NIL NIL "7bit" 115 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 9 0)("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 9 0) "mixed") 10)' +
      '(("image" "gif" NIL NIL NIL "7bit" 3)' +
      '("message" "rfc822" NIL NIL NIL "7bit" 36 (NIL "plain inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 0) 2) "mixed") "mixed")',
  );
});

test('extension data has digest, disposition, languages and location; parameters stand as they were sent', () => {
  const { bodyStructure, root } = analyse(
    message(
      "Content-Type: application/pdf; name*=utf-8''f%C3%BCr.pdf",
      'Content-ID: <1@x.test>',
      'Content-Description: a (b)',
      'Content-Transfer-Encoding: BASE64 (of course)',
      'Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==',
      'Content-Disposition: Attachment; filename=a.pdf',
      'Content-Language: en, de',
      'Content-Location: http://x.test/\r\n a.pdf',
      '',
    ),
  );
  assert.equal(
    bodyStructure,
    `("application" "pdf" ("name*" "utf-8''f%C3%BCr.pdf") "<1@x.test>" "a (b)" "base64" 0 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" "a.pdf")) ("en" "de") "http://x.test/a.pdf")`,
  );
  assert.deepEqual(root.params, [['name', 'für.pdf']]);
});

test('what is written for the people: subject, names, preview, attachment', () => {
  const read = analyse(
    message(
      'From: =?utf-8?Q?J=C3=B6rg?= <Joerg@x.test>',
      'To: Team: a@x.test;',
      'Cc: B@x.test',
      'Subject: Re: [list] =?utf-8?Q?f=C3=BCr?=',
      'References: <a@x.test> <b@x.test>',
      'In-Reply-To: <b@x.test>',
      'Message-ID: <c@x.test>',
      'Content-Type: multipart/mixed; boundary=A',
      '',
      '--A',
      'Content-Type: multipart/alternative; boundary=AB',
      '',
      '--AB',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=C3=BC=C3=9Fe   =',
      'from',
      '  here',
      '--AB',
      'Content-Type: text/html',
      '',
      '<p>not this',
      '--AB--',
      '--A',
      'Content-Type: application/pdf',
      '',
      'x',
      '--A--',
    ),
  );
  assert.equal(read.subject, 'Re: [list] für');
  assert.equal(read.baseSubject, 'FÜR');
  assert.deepEqual([read.sortFrom, read.sortTo, read.sortCc], ['joerg', 'team', 'b']);
  assert.deepEqual([read.displayFrom, read.displayTo], ['Jörg', 'Team']);
  assert.deepEqual(
    [read.messageId, read.inReplyTo, read.references],
    ['c@x.test', ['b@x.test'], ['a@x.test', 'b@x.test']],
  );
  assert.equal(read.preview, 'Grüße from here');
  assert.equal(read.hasAttachment, true);
});

test('the preview of HTML has no markup, style or script, and no torn character', () => {
  const html = (text: string) => analyse(message('Content-Type: text/html; charset=utf-8', '', text)).preview;
  assert.equal(
    html(
      '<HEAD><title>T</title></HEAD><style>p{}</style>\r\n<p>Hel<b>lo</b>&nbsp;&amp; w&#246;rld</p><!-- no --><script>x<y</script>!',
    ),
    'Hello & wörld !',
  );
  const long = html('😀'.repeat(300));
  assert.ok(long.length <= 256 && long.isWellFormed());
});

test('what has no readable Content-Type is plain text; within a digest it is a message', () => {
  const typeOf = (field: string) => {
    const { root } = analyse(message(`Content-Type: ${field}`, '', 'x'));
    return `${root.type}/${root.subtype}`;
  };
  for (const field of ['', 'text', 'nonsense/', '/', ';charset=x', 'multipart/mixed'])
    assert.equal(typeOf(field), 'text/plain');
  const digest = analyse(
    message('Content-Type: multipart/digest; boundary=a', '', '--a', '', 'Subject: in', '', 'x', '--a--'),
  );
  assert.equal(digest.root.parts?.[0]?.subtype, 'rfc822');
  assertSound(digest, digest.size);
});

test('a multipart whose boundary never comes can be read as text', () => {
  const { root } = analyse(message('Content-Type: multipart/mixed; boundary=a', '', 'lost', 'text'));
  assert.equal(root.parts?.length, 1);
  assert.deepEqual([root.parts[0]!.type, root.parts[0]!.lines], ['text', 2]);
});

test('a boundary may be the beginning of another', () => {
  const { root } = analyse(
    message(
      'Content-Type: multipart/mixed; boundary=a',
      '',
      '--a',
      'Content-Type: multipart/mixed; boundary=ab',
      '',
      '--ab',
      '',
      '1',
      '--ab--',
      '--a',
      '',
      '2',
      '--a--',
    ),
  );
  assert.deepEqual(
    root.parts?.map((part) => part.parts?.length ?? 0),
    [1, 0],
  );
});

test('bare line feeds leave all offsets exact', () => {
  const bytes = Buffer.from('Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\nX: y\n\ntwo\n--a--\n');
  const { root } = analyse(bytes);
  assert.deepEqual(
    root.parts?.map((part) => bytes.toString('latin1', part.body, part.end)),
    ['one', 'two'],
  );
});

test('HEADER.FIELDS keeps order, folding and bytes; the blank line only where there was one', () => {
  const block = Buffer.from('From bob\r\nB: 1\r\n\t2\r\nA : x\r\nb:3\r\n\r\n');
  assert.equal(filterHeader(block, ['B'], false).toString(), 'B: 1\r\n\t2\r\nb:3\r\n\r\n');
  assert.equal(filterHeader(block, ['B'], true).toString(), 'From bob\r\nA : x\r\n\r\n');
  assert.equal(filterHeader(block, ['none'], false).toString(), '\r\n');
  assert.equal(filterHeader(Buffer.from('A: x\r\nB: y\r\n'), ['a'], false).toString(), 'A: x\r\n'); // RFC 9051 6.4.5.1
});

test('searchable text is decoded, has HTML as it is and the headers of messages within', () => {
  const texts = [...searchableText(NESTED, analyse(NESTED).root, 'text')];
  assert.deepEqual(texts, [
    'from: a@x.test\nsubject: outer\ncontent-type: multipart/mixed; boundary=A\n',
    'one',
    'subject: inner\ncontent-type: multipart/mixed; boundary=B\n',
    'three-one',
    'three-two',
    'subject: plain inner\n',
    'four-two-one',
  ]);
});

test('parts are kept in few bytes', () => {
  assert.equal(serializeParts(analyse(message('Subject: a', '', 'b')).root), '[0,14,3,0,[["charset","us-ascii"]],0,2]');
});

test('multiparts and messages nested without end, and parts without number, stay within bounds', () => {
  const multiparts = Array.from(
    { length: 5000 },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  ).join('');
  const messages = 'Content-Type: message/rfc822\r\n\r\n'.repeat(5000);
  const parts = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--a\r\n\r\nx\r\n'.repeat(20_000)}`;
  for (const text of [multiparts, messages, parts]) assertSound(analyse(Buffer.from(text)), text.length);
  const { root } = analyse(Buffer.from(parts));
  assert.ok(root.parts!.length <= MAX_PARTS);
  assert.equal(root.parts!.at(-1)!.end, parts.length);
});

test('headers beyond the bounds are measured, not kept', () => {
  for (const line of ['X-Long: y\r\n', '\tfolded\r\n', 'a:\n', '(', 'To: a@b.test,\r\n']) {
    const header = `Subject: seen\r\n${line.repeat(Math.ceil(700_000 / line.length))}\r\n`;
    const end = header.endsWith('\r\n\r\n') || header.endsWith('\n\r\n') ? header : `${header}\r\n`;
    const bytes = Buffer.from(`${end}body\r\n`);
    const whole = analyse(bytes);
    assertSound(whole, bytes.length);
    assert.equal(whole.root.body, end.length);
    const analyser = new MessageAnalyser();
    for (let at = 0; at < bytes.length; at += 4099) analyser.push(bytes.subarray(at, at + 4099));
    assert.deepEqual(analyser.finish(), whole);
  }
});

test('rubbish made of what MIME is made of is analysed soundly, however it is cut', () => {
  const piece = fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=a\r\n',
    'Content-Type: multipart/digest; boundary="ab"\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Disposition: attachment; filename="x\\"',
    'From: a@b.test, "q" <c@d.test>\r\n',
    'Subject: =?utf-8?Q?=FF?=\r\n',
    '\r\n',
    '\n',
    '\r',
    '--a',
    '--ab',
    '--a--',
    '--ab--',
    '-',
    '--',
    ' ',
    'x',
    '\0',
    '\xff',
    '\r\n--a\r\n',
    '\r\n--ab\r\n\r\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      const whole = analyse(bytes);
      assertSound(whole, bytes.length);
      const analyser = new MessageAnalyser();
      for (let at = 0; at < bytes.length; at += step) analyser.push(bytes.subarray(at, at + step));
      assert.deepEqual(analyser.finish(), whole);
    }),
    { numRuns: 3000 },
  );
});

test('fifty megabytes in pieces hold less than a megabyte', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    collect(); // Buffers found dead by one collection are given back by the next
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const head = 'Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n';
  const piece = Buffer.from(`${'A line of text that goes on and on.\r\n'.repeat(2000)}-- \r\nSignature\r\n`);
  for (const start of [head, '', 'Subject: plain\r\n\r\n']) {
    const analyser = new MessageAnalyser();
    const before = held();
    analyser.push(Buffer.from(start));
    let size = start.length;
    for (; size < 50_000_000; size += piece.length) analyser.push(piece);
    assert.ok(held() - before < 1_000_000);
    assert.equal(analyser.finish().size, size);
  }
});

test('an encoded message within is shown as text that can be decoded, and named for what it is', () => {
  const bytes = message(
    'Content-Type: message/global',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('Subject: in\r\n\r\nx').toString('base64'),
  );
  const read = analyse(bytes);
  assertSound(read, bytes.length);
  assert.equal(`${read.root.type}/${read.root.subtype}`, 'message/global');
  const inner = read.root.parts?.[0];
  assert.deepEqual([inner?.header, inner?.body, inner?.end], [read.root.body, read.root.body, read.root.end]);
});

test('the text of a part read in pieces is the text read whole', () => {
  const body = 'Gr=C3=BC=C3=9Fe =\r\naus =E2=9C=93\r\n';
  const bytes = message(
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    body.trimEnd(),
  );
  const { root } = analyse(bytes);
  const reader = partText(root);
  const pieces = Array.from(bytes.subarray(root.body, root.end), (byte) => reader.push(Buffer.of(byte)));
  assert.equal(pieces.join('') + reader.finish(), 'Grüße aus ✓\r\n');
  assert.deepEqual([...searchableText(bytes, root, 'body')], ['Grüße aus ✓\r\n']);
});
