import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopCutter } from '../../../src/pop3/syntax/top.ts';

const HEADER = 'Subject: x\r\n\r\n';
const BODY = 'one\r\ntwo\r\n\r\nfour';

function cut(lines: number, size: number, message = HEADER + BODY): string {
  const cutter = new TopCutter(HEADER.length, lines);
  let out = '';
  for (let at = 0; at < message.length && !cutter.done; at += size) {
    out += cutter.push(Buffer.from(message.slice(at, at + size))).toString();
  }
  return out;
}

test('TOP gives the header and as many lines as are asked for, whatever the chunks', () => {
  const wanted = ['', 'one\r\n', 'one\r\ntwo\r\n', 'one\r\ntwo\r\n\r\n', BODY, BODY];
  for (const [lines, body] of wanted.entries()) {
    for (let size = 1; size <= HEADER.length + BODY.length; size += 1) assert.equal(cut(lines, size), HEADER + body);
  }
});

test('nothing more is read than is wanted', () => {
  const cutter = new TopCutter(4, 1);
  cutter.push(Buffer.from('ab\r\nline\r\nmore'));
  assert.equal(cutter.done, true);
  assert.equal(cutter.push(Buffer.from('and more')).length, 0);
});
