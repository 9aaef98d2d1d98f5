import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { commandNamed } from '../../../src/imap/commands/all.ts';
import { nextAppendMessage } from '../../../src/imap/syntax/append.ts';
import { commandHead } from '../../../src/imap/syntax/command-head.ts';
import { fetchRequest } from '../../../src/imap/syntax/fetch.ts';
import { CommandReader } from '../../../src/imap/syntax/reader.ts';
import { searchRequest } from '../../../src/imap/syntax/search.ts';
import { storeRequest } from '../../../src/imap/syntax/store.ts';
import fc from '../../helpers/properties.ts';

const GOOD = [
  'a1 FETCH 1:*,7 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From "To")]<0.100> BINARY.SIZE[1]) (CHANGEDSINCE 5)',
  'a2 STORE 1,3:5 (UNCHANGEDSINCE 77) +FLAGS.SILENT (\\Seen $Junk work)',
  'a3 SEARCH RETURN (MIN ALL) CHARSET UTF-8 OR (FROM "a \\" b" NOT 1:3) TEXT {3+}\r\nab( SINCE 1-Feb-2024 MODSEQ 5',
  'a4 LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" {3}\r\na%b) RETURN (CHILDREN STATUS (MESSAGES SIZE))',
  'a5 APPEND "Sent &APw-" (\\Draft) "01-Feb-2024 10:00:00 +0100" ~{12+}',
  'a6 AUTHENTICATE PLAIN AGFubmEAc2VjcmV0',
  'a7 ID ("name" "x" "version" NIL)',
  'a8 CREATE {4}\r\nSent (USE (\\Sent \\Junk))',
  'a9 STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)',
  'b1 RENAME "x" y',
  'b2 SELECT inbox (CONDSTORE)',
  'b3 LOGIN anna "p\\\\w"',
];

const SYNTAXES = [fetchRequest, storeRequest, searchRequest];

/** Every reading of it ends, and by a value or a BadCommand. */
function readsOrRefuses(line: string): void {
  const attempts = [
    () => {
      const { name, argumentsAt } = commandHead(line);
      commandNamed(name)?.syntax(new CommandReader(line, argumentsAt));
    },
    () => nextAppendMessage(line),
    ...SYNTAXES.map((syntax) => () => syntax(new CommandReader(line, line.indexOf(' ', 3)))),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      assert.ok(error instanceof BadCommand, `${JSON.stringify(line)}: ${error}`);
    }
  }
}

test('commands cut, doubled, swapped and spoilt in any place are read or refused', () => {
  const spoilt = fc.tuple(
    fc.constantFrom(...GOOD),
    fc.array(
      fc.record({
        at: fc.nat(120),
        cut: fc.nat(10),
        put: fc.oneof(
          fc.constantFrom('(', ')', '"', '{', '}\r\n', '[', ']', '\\', '*', ' ', '\0', '\xff', '9'),
          fc.constantFrom(...GOOD),
        ),
      }),
      { maxLength: 4 },
    ),
  );
  fc.assert(
    fc.property(spoilt, ([good, edits]) => {
      let line = good;
      for (const { at, cut, put } of edits) line = line.slice(0, at) + put + line.slice(at + cut);
      readsOrRefuses(line);
    }),
    { numRuns: 3000 },
  );
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readsOrRefuses(Buffer.from(bytes).toString('latin1'))),
    { numRuns: 1000 },
  );
});

test('every beginning of a good command is read or refused', () => {
  for (const good of GOOD) for (let length = 0; length <= good.length; length++) readsOrRefuses(good.slice(0, length));
});

test('commands as long as the limit, made to be slow, are read or refused', () => {
  const length = 64 << 10;
  for (const part of [
    '(',
    '"',
    '\\"',
    '"\\',
    'a',
    '1,',
    '1:2,',
    'NOT ',
    'OR ',
    '((ALL) ',
    '\\Seen ',
    '{1}\r\n',
    '&',
    '%*',
  ]) {
    for (const start of [
      'a SEARCH ',
      'a SEARCH TEXT "',
      'a LIST "" ',
      'a FETCH ',
      'a STORE 1 FLAGS (',
      'a SELECT "',
      'a SELECT ',
    ]) {
      readsOrRefuses(start + part.repeat(length / part.length));
    }
  }
});
