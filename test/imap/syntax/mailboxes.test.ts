import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import { announcesMessage, appendRequest, nextAppendMessage } from '../../../src/imap/syntax/append.ts';
import { NO_FLAGS } from '../../../src/store/flags.ts';
import { parse, parseWith } from './parse.ts';

const nothing = { subscribed: false, children: false, specialUse: false, status: null };
const anything = { subscribed: false, remote: false, recursiveMatch: false, specialUse: false };

test('a mailbox is named by a word, a quoted string or a literal', () => {
  for (const name of ['Sent]', '"Sent]"', '{5}\r\nSent]', '{5+}\r\nSent]']) {
    assert.deepEqual(parse(`SELECT ${name}`), { mailbox: 'Sent]', condstore: false });
  }
  assert.deepEqual(parse('select "a \\"b\\"" (condstore)'), { mailbox: 'a "b"', condstore: true });
});

test('LIST of old has a reference and a pattern', () => {
  const request = { reference: '', patterns: ['*'], extended: false, select: anything, returns: nothing };
  assert.deepEqual(parse('LIST "" *'), request);
  assert.deepEqual(parse('LIST ~/Mail %'), { ...request, reference: '~/Mail', patterns: ['%'] });
  assert.deepEqual(parse('LIST "" "Entw&APw-rfe/%"'), { ...request, patterns: ['Entwürfe/%'] });
});

test('LIST of today selects, matches several patterns and returns more', () => {
  assert.deepEqual(
    parse('LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" %) RETURN (CHILDREN STATUS (MESSAGES SIZE) special-use)'),
    {
      reference: '',
      patterns: ['INBOX', '%'],
      extended: true,
      select: { ...anything, subscribed: true, recursiveMatch: true },
      returns: { subscribed: false, children: true, specialUse: true, status: ['MESSAGES', 'SIZE'] },
    },
  );
  assert.deepEqual(parse('LIST () "" x'), {
    reference: '',
    patterns: ['x'],
    extended: true,
    select: anything,
    returns: nothing,
  });
});

test('CREATE takes a special use, and forgives a separator at the end', () => {
  assert.deepEqual(parse('CREATE Gesendet (USE (\\Sent))'), { mailbox: 'Gesendet', uses: ['\\Sent'] });
  assert.deepEqual(parse('CREATE owatagusiam/'), { mailbox: 'owatagusiam', uses: [] });
});

test('STATUS asks for each item once', () => {
  assert.deepEqual(parse('STATUS inbox (messages UNSEEN MESSAGES)'), {
    mailbox: 'INBOX',
    items: ['MESSAGES', 'UNSEEN'],
  });
});

test('APPEND is read up to the literal of each message', () => {
  const literal = { size: 310, synchronizing: true, binary: false };
  assert.deepEqual(parseWith(appendRequest, 'saved (\\Seen) " 7-Feb-1994 21:52:25 -0800" {310}'), {
    mailbox: 'saved',
    first: { flags: { bits: 1, keywords: [] }, received: Date.UTC(1994, 1, 8, 5, 52, 25) / 1000, literal },
  });
  assert.deepEqual(nextAppendMessage(' ~{310+}'), {
    flags: NO_FLAGS,
    received: null,
    literal: { size: 310, synchronizing: false, binary: true },
  });
  assert.equal(nextAppendMessage(''), null);
});

test('only the literal behind the name of APPEND is a mailbox', () => {
  assert.ok(!announcesMessage('a APPEND {5}'));
  assert.ok(!announcesMessage('a append {5+}'));
  assert.ok(announcesMessage('a APPEND INBOX {5}'));
  assert.ok(announcesMessage('a APPEND {5}\r\nINBOX (\\Seen) {5}'));
});

for (const bad of [
  'SELECT',
  'SELECT  x',
  'SELECT x y',
  'SELECT "x',
  'SELECT x%',
  'SELECT {5}\r\nabcd',
  'SELECT {3}\r\na\0b',
  'SELECT x (QRESYNC)',
  'LIST ""',
  'LIST (NEW) "" *',
  'LIST (RECURSIVEMATCH) "" *',
  'LIST "" * RETURN (ALL)',
  'LIST "" ()',
  'CREATE ""',
  'CREATE "/"',
  'CREATE x (USE \\Sent)',
  'RENAME x',
  'STATUS x ()',
  'STATUS x (BEST)',
  'STATUS x MESSAGES',
  'APPEND x',
  'APPEND x {5} ',
  'APPEND x (\\Seen) {99999999999}',
  'APPEND x "32-Jan-2024 00:00:00 +0000" {5}',
  'APPEND x "1-Jan-2024 24:00:00 +0000" {5}',
  'APPEND x (\\Seen) ~x{5}',
  'ENABLE',
  'ID',
  'ID ("name")',
  'LOGIN anna',
  'LOGIN anna "\xff"',
  'NOOP now',
]) {
  test(`${JSON.stringify(bad)} is a bad command`, () => {
    assert.throws(() => parse(bad), BadCommand);
  });
}
