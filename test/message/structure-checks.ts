/** What must hold for the analysis of any bytes whatever. */
import assert from 'node:assert/strict';
import type { MessageAnalysis, Part } from '../../src/message/analysis.ts';
import { bodyText } from '../../src/message/body-structure.ts';
import { parseParts, serializeParts } from '../../src/message/stored-parts.ts';

/** Asserts that the ranges of all parts nest, in order, and that the texts for IMAP can be read by an IMAP client. */
export function assertSound(analysis: MessageAnalysis, size: number): void {
  assert.equal(analysis.size, size);
  assert.equal(analysis.root.header, 0);
  assert.equal(analysis.root.end, size);
  assertNested(analysis.root);
  assertImapList(analysis.envelope, 10);
  assertImapList(analysis.bodyStructure, null);
  assertImapList(bodyText(analysis.bodyStructure), null);
  assert.deepEqual(parseParts(serializeParts(analysis.root)), analysis.root);
  assert.ok(analysis.preview.length <= 256);
  assert.ok(analysis.references.length <= 100);
}

function assertNested(part: Part): void {
  assert.ok(part.header <= part.body && part.body <= part.end);
  let from = part.body;
  for (const child of part.parts ?? []) {
    assert.ok(child.header >= from, 'a part begins before the one before it ends');
    assert.ok(child.end <= part.end, 'a part ends after its parent');
    assertNested(child);
    from = child.end;
  }
  if (part.parts !== undefined) assert.ok(part.parts.length > 0);
}

/** Asserts that the text is one parenthesised list of strings, NILs, numbers and lists (RFC 9051 9). */
function assertImapList(text: string, items: number | null): void {
  const TOKEN = /\(|\)| |NIL|\d+|"(?:[^"\\\r\n\0\x80-\xff]|\\["\\])*"|\{(\d+)\}\r\n/y;
  let depth = 0;
  let count = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    assert.ok(match, `no IMAP syntax at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    at = TOKEN.lastIndex;
    if (match[1] !== undefined) {
      const literal = text.slice(at, at + Number(match[1]));
      assert.ok(!literal.includes('\0'));
      at += literal.length;
    }
    if (match[0] === ')') depth--;
    else if (depth === 1 && match[0] !== ' ') count++;
    if (match[0] === '(') depth++;
    assert.ok(depth > 0 || at === text.length, 'the list ends before the text');
  }
  assert.equal(depth, 0);
  if (items !== null) assert.equal(count, items);
}
