import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VerifiedPasswords } from '../../src/auth/verified.ts';

test('a right password holds only for the hash it was checked against', () => {
  const verified = new VerifiedPasswords();
  const print = verified.fingerprint('anna', 'secret');
  assert.equal(verified.recall(print, 'hash'), undefined);
  verified.rememberRight(print, 'hash');
  assert.equal(verified.recall(print, 'hash'), true);
  assert.equal(verified.recall(print, 'another'), undefined);
  assert.equal(verified.recall(verified.fingerprint('anna', 'Secret'), 'hash'), undefined);
  assert.equal(verified.recall(verified.fingerprint('ben', 'secret'), 'hash'), undefined);
});

test('name and password are told apart', () => {
  const verified = new VerifiedPasswords();
  assert.notEqual(verified.fingerprint('anna', 'secret'), verified.fingerprint('annas', 'ecret'));
});

test('two processes fingerprint the same password differently', () => {
  const print = () => new VerifiedPasswords().fingerprint('anna', 'secret');
  assert.notEqual(print(), print());
});

test('a wrong password is known for a while, and only for the hash it was tried on', () => {
  let now = 0;
  const verified = new VerifiedPasswords(() => now);
  const print = verified.fingerprint('anna', 'guess');
  verified.rememberWrong(print, 'hash');
  assert.equal(verified.recall(print, 'hash'), false);
  assert.equal(verified.recall(print, 'new hash'), undefined);
  now += 60 * 60_000;
  assert.equal(verified.recall(print, 'hash'), undefined);
});

test('a flood of guesses does not push out what was right', () => {
  const verified = new VerifiedPasswords();
  const print = verified.fingerprint('anna', 'secret');
  verified.rememberRight(print, 'hash');
  for (let guess = 0; guess < 20_000; guess++) verified.rememberWrong(`guess ${guess}`, 'hash');
  assert.equal(verified.recall(print, 'hash'), true);
  assert.equal(verified.recall('guess 0', 'hash'), undefined); // bounded
  assert.equal(verified.recall('guess 19999', 'hash'), false);
});
