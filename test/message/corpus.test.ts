import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyse, MessageAnalyser } from '../../src/message/analyser.ts';
import type { MessageAnalysis, Part } from '../../src/message/analysis.ts';
import { foldCase } from '../../src/message/casemap.ts';
import { filterHeader } from '../../src/message/header.ts';
import { section } from '../../src/message/sections.ts';
import { decodedTransfer, decodeTransfer } from '../../src/message/transfer-encoding.ts';
import { corpus } from './corpus.ts';
import { searchableText } from './searchable-text.ts';
import { assertSound } from './structure-checks.ts';

const MESSAGES = corpus();

test('the corpus is there', () => {
  assert.ok(MESSAGES.length >= 150);
});

for (const { name, bytes } of MESSAGES) {
  test(`${name} gives the same sound analysis whole, byte by byte, and in pieces`, () => {
    const whole = analyse(bytes);
    assertSound(whole, bytes.length);
    assert.deepEqual(inPieces(bytes, 1), whole);
    assert.deepEqual(inPieces(bytes, 7), whole);
    assert.deepEqual(inPieces(bytes, 1024), whole);
  });

  test(`${name} can be searched, decoded and cut into sections`, () => {
    const { root } = analyse(bytes);
    for (const text of searchableText(bytes, root, 'text')) assert.equal(typeof foldCase(text), 'string');
    for (const part of leavesOf(root)) {
      const body = bytes.subarray(part.body, part.end);
      assert.deepEqual(decodedBytewise(body, part.encoding), decodedTransfer(body, part.encoding));
    }
    const header = section(root, [], 'HEADER');
    assert.ok(header !== null);
    const block = bytes.subarray(header.from, header.to);
    assert.deepEqual(filterHeader(block, [], true), block);
    const named = filterHeader(block, ['subject', 'FROM'], false);
    const others = filterHeader(block, ['subject', 'FROM'], true);
    const blank = filterHeader(block, [], false);
    assert.equal(named.length + others.length - blank.length, block.length);
  });
}

function inPieces(bytes: Buffer, length: number): MessageAnalysis {
  const analyser = new MessageAnalyser();
  for (let at = 0; at < bytes.length; at += length) analyser.push(bytes.subarray(at, at + length));
  return analyser.finish();
}

function leavesOf(part: Part): readonly Part[] {
  return part.parts === undefined ? [part] : part.parts.flatMap(leavesOf);
}

function decodedBytewise(bytes: Buffer, encoding: string): Buffer {
  const decoder = decodeTransfer(encoding);
  if (decoder === null) return bytes;
  const pieces = Array.from(bytes, (byte) => Buffer.from(decoder.push(Buffer.of(byte))));
  return Buffer.concat([...pieces, decoder.finish()]);
}
