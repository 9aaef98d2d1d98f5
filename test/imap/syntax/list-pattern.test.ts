import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesPattern } from '../../../src/imap/syntax/list-pattern.ts';
import fc from '../../helpers/properties.ts';

test('the star crosses separators and the percent sign does not', () => {
  assert.ok(matchesPattern('a/b/c', '*'));
  assert.ok(matchesPattern('a/b/c', 'a/*'));
  assert.ok(matchesPattern('a/b/c', '*c'));
  assert.ok(matchesPattern('a/b', 'a/%'));
  assert.ok(!matchesPattern('a/b/c', 'a/%'));
  assert.ok(!matchesPattern('a/b', '%'));
  assert.ok(matchesPattern('a/b', '%/%'));
  assert.ok(matchesPattern('ab', 'ab%'));
  assert.ok(!matchesPattern('ab', 'a'));
  assert.ok(!matchesPattern('a', 'ab'));
});

test('INBOX matches in any case, other names only in their own', () => {
  assert.ok(matchesPattern('INBOX', 'inbox'));
  assert.ok(matchesPattern('INBOX', 'Inb%'));
  assert.ok(matchesPattern('INBOX/Work', 'inbox/Work'));
  assert.ok(!matchesPattern('INBOX/Work', 'inbox/work'));
  assert.ok(!matchesPattern('INBOXES', 'inboxes'));
  assert.ok(!matchesPattern('Sent', 'sent'));
});

test('matching agrees with regular expressions', () => {
  const path = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '%'), maxLength: 10 });
  fc.assert(
    fc.property(path, pattern, (name, wild) => {
      const expression = new RegExp(`^${wild.replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`);
      assert.equal(matchesPattern(name, wild), expression.test(name));
    }),
    { numRuns: 5000 },
  );
});

test('a pattern made to look back without end is answered all the same', () => {
  assert.equal(matchesPattern('a'.repeat(1000), `${'*a'.repeat(400)}b`), false);
  assert.equal(matchesPattern('a'.repeat(1000), `${'%a'.repeat(400)}b`), false);
});
