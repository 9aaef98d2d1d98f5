import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../../src/errors.ts';
import {
  decodeModifiedUtf7,
  encodeModifiedUtf7,
  mailboxName,
  writtenMailboxName,
} from '../../../src/imap/syntax/mailbox-name.ts';
import fc from '../../helpers/properties.ts';

const NAMES: readonly (readonly [modifiedUtf7: string, name: string])[] = [
  ['INBOX', 'INBOX'],
  ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'], // RFC 3501 5.1.3
  ['R&-D', 'R&D'],
  ['&-', '&'],
  ['Entw&APw-rfe', 'Entwürfe'],
  ['&2D3cSA-', '👈'],
  ['a+b,c', 'a+b,c'],
];

test('names are read from and written in modified UTF-7', () => {
  for (const [encoded, name] of NAMES) {
    assert.equal(decodeModifiedUtf7(encoded), name);
    assert.equal(encodeModifiedUtf7(name), encoded);
  }
});

test('any text comes back from modified UTF-7, which is printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const encoded = encodeModifiedUtf7(text);
      assert.match(encoded, /^[\x20-\x7e]*$/);
      assert.equal(decodeModifiedUtf7(encoded), text);
    }),
  );
});

test('a name has one spelling: what is malformed or roundabout is refused', () => {
  // Not closed; ASCII in Base64; two runs where one is enough; half a character; a lone surrogate; padding; 8-bit.
  for (const bad of ['&', 'a&b', '&AGE-', '&APw-&APw-', '&AP-', '&2D0-', '&APw=-', '\xfc', '&A/w-']) {
    assert.equal(decodeModifiedUtf7(bad), null, bad);
  }
});

test('INBOX is one mailbox in any case, alone or before others', () => {
  assert.equal(mailboxName('inbox', false), 'INBOX');
  assert.equal(mailboxName('InBox/Work', true), 'INBOX/Work');
  assert.equal(mailboxName('inboxes', true), 'inboxes');
});

test('names are in normal form C, whichever form they came in', () => {
  assert.equal(mailboxName(Buffer.from('Entwu\u0308rfe').toString('latin1'), true), 'Entwürfe');
});

test('after IMAP4rev2 a name is UTF-8, and an ampersand nothing but itself', () => {
  assert.equal(mailboxName('R&D', true), 'R&D');
  assert.equal(mailboxName('Entw\xc3\xbcrfe', true), 'Entwürfe');
  assert.equal(writtenMailboxName('Entwürfe', true), '"Entw\xc3\xbcrfe"');
  assert.equal(writtenMailboxName('Entwürfe', false), 'Entw&APw-rfe');
});

test('before IMAP4rev2 a name in UTF-8 is understood all the same', () => {
  assert.equal(mailboxName('Entw\xc3\xbcrfe', false), 'Entwürfe');
});

test('what no mailbox can be called is the mistake of the client', () => {
  for (const bad of ['\xff\xfe', 'a\x01b', 'a\r\nb', '\xe2\x80\xa8', 'x'.repeat(1001)]) {
    assert.throws(() => mailboxName(bad, true), BadCommand);
  }
  assert.throws(() => mailboxName('a&b', false), BadCommand);
});

test('a name is written so that it is read as the same name', () => {
  assert.equal(writtenMailboxName('My "own" \\ folder', true), '"My \\"own\\" \\\\ folder"');
  assert.equal(writtenMailboxName('', false), '""');
  assert.equal(writtenMailboxName('NIL', false), '"NIL"');
});
