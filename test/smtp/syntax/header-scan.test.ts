import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderScan } from '../../../src/smtp/syntax/header-scan.ts';

/** Feeds the message cut so that no CRLF is cut: the scan's own rule. @returns the scan and where the blank line began */
function scan(message: string, size: number): { seen: HeaderScan; blankLine: number } {
  const seen = new HeaderScan();
  let blankLine = -1;
  for (let from = 0; from < message.length; ) {
    let to = Math.min(from + size, message.length);
    if (message[to - 1] === '\r') to += 1;
    const at = seen.push(Buffer.from(message.slice(from, to), 'latin1'));
    if (at !== -1) blankLine = from + at;
    from = to;
  }
  return { seen, blankLine };
}

interface Case {
  readonly about: string;
  readonly message: string;
  readonly received: number;
  readonly date: boolean;
  readonly id: boolean;
  readonly from?: boolean;
}

const cases: readonly Case[] = [
  {
    about: 'an ordinary header',
    message: 'Received: a\r\n\tb\r\nReceived: c\r\nDate: x\r\nMessage-ID: <y>\r\n\r\nDate: no\r\n',
    received: 2,
    date: true,
    id: true,
  },
  {
    about: 'any case',
    message: 'RECEIVED: a\r\ndAtE: x\r\nMESSAGE-id: <y>\r\n\r\n',
    received: 1,
    date: true,
    id: true,
  },
  {
    about: 'white space before the colon',
    message: 'Received : a\r\nDate\t: x\r\n\r\n',
    received: 1,
    date: true,
    id: false,
  },
  {
    about: 'names that only begin alike',
    message: 'Received-SPF: a\r\nDat: x\r\nDated: x\r\nMessage-I: x\r\nMessage\r\nid: x\r\n\r\n',
    received: 0,
    date: false,
    id: false,
  },
  {
    about: 'a folded line that looks like a field',
    message: 'Subject: x\r\n Date: y\r\n Received: z\r\n\r\n',
    received: 0,
    date: false,
    id: false,
  },
  {
    about: 'all that a message must have',
    message: 'DATE: x\r\nfrom: y\r\nMessage-Id: z\r\n\r\n',
    received: 0,
    date: true,
    id: true,
    from: true,
  },
  { about: 'fields in the body', message: '\r\nReceived: a\r\nDate: b\r\n', received: 0, date: false, id: false },
  {
    about: 'a name cut by the end of its line',
    message: 'message\r\n\r\nDate: x\r\n',
    received: 0,
    date: false,
    id: false,
  },
];

for (const { about, message, received, date, id, from = false } of cases) {
  test(`${about}: counted right, cut into chunks of any size`, () => {
    for (let size = 1; size <= message.length; size += 1) {
      const { seen, blankLine } = scan(message, size);
      assert.deepEqual(
        {
          received: seen.received,
          date: seen.hasDate,
          id: seen.hasMessageId,
          from: seen.hasFrom,
          ended: seen.ended,
          blankLine,
        },
        {
          received,
          date,
          id,
          from,
          ended: true,
          blankLine: message.startsWith('\r\n') ? 0 : message.indexOf('\r\n\r\n') + 2,
        },
      );
    }
  });
}

test('a header without a body never ends, and is known to stop at a line start', () => {
  const { seen, blankLine } = scan('Subject: x\r\nTo: y\r\n', 5);
  assert.equal(blankLine, -1);
  assert.equal(seen.ended, false);
  assert.equal(seen.atLineStart, true);
  assert.equal(scan('Subject: x\r\nTo: y', 5).seen.atLineStart, false);
});

test('where a message has been, and whether it comes from a list, is seen however it is cut', () => {
  const message = [
    'Delivered-To: anna@office.test',
    'DELIVERED-TO : <Größe@office.test> ',
    'Date: Tue, 1 Dec 2026 10:00:00 +0000',
    'Delivered: no@office.test',
    'Subject: x',
    ' Delivered-To: folded@office.test',
    `Delivered-To: ${'a'.repeat(1_000)}@office.test`,
    'List-Idle: x',
    'list-id: <news.far.test>',
    '',
    'Delivered-To: body@office.test',
  ].join('\r\n');
  for (let size = 1; size < 60; size++) {
    const { seen } = scan(Buffer.from(message).toString('latin1'), size);
    assert.equal(seen.fromList, true);
    assert.equal(seen.hasDate, true);
    const [first, second, long, ...others] = seen.deliveredTo;
    assert.deepEqual([first, second, others], ['anna@office.test', '<Größe@office.test>', []]);
    assert.match(long!, /^a{300,320}$/);
  }
  const many = scan('Delivered-To: a@b.test\r\n'.repeat(1_000), 4_096).seen;
  assert.equal(many.deliveredTo.length, 100);
  assert.equal(scan('List-Idle: x\r\n\r\nList-Id: y\r\n', 100).seen.fromList, false);
});

test('that TLS is waived is seen however it is cut, and only where it says so', () => {
  for (let size = 1; size < 40; size++) {
    assert.equal(scan('To: a@b.test\r\ntls-REQUIRED : No \r\nDate: x\r\n\r\n', size).seen.waivesTls, true);
    const { seen } = scan(
      'TLS-Required: yes\r\nTLS-Requires: no\r\nSubject: x\r\n TLS-Required: no\r\n\r\nTLS-Required: no\r\n',
      size,
    );
    assert.equal(seen.waivesTls, false);
    assert.deepEqual(seen.deliveredTo, []);
  }
});

test('how important its sender finds a message is seen however it is cut; what is usual says nothing', () => {
  const cases: readonly (readonly [header: string, importance: 'high' | 'low' | undefined])[] = [
    ['Importance: high', 'high'],
    ['IMPORTANCE :\tLow', 'low'],
    ['X-Priority: 1 (Highest)', 'high'],
    ['x-priority: 4', 'low'],
    ['X-Priority: 3 (Normal)\r\nImportance: high', 'high'],
    ['X-Priority: 5\r\nImportance: high', 'low'],
    ['Importance: normal', undefined],
    ['Importance: highly', undefined],
    ['X-Priority: 11', undefined],
    ['X-Priority:', undefined],
    ['X-Prior: 1\r\nImportant: high\r\nSubject: x\r\n X-Priority: 1', undefined],
  ];
  for (const [header, importance] of cases) {
    const message = `X-Mailer: y\r\n${header}\r\nDate: z\r\n\r\nImportance: high\r\n`;
    for (let size = 1; size <= message.length; size++) {
      const { seen } = scan(message, size);
      assert.deepEqual([seen.importance, seen.hasDate], [importance, true], header);
    }
  }
});
