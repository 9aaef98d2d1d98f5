import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evidence, searchCriteria } from '../../src/imap/search-criteria.ts';
import { esearchResponse, narrowed, searchResponse } from '../../src/imap/search-results.ts';
import { NumberSet } from '../../src/imap/syntax/number-set.ts';
import type { SearchKey } from '../../src/imap/syntax/types.ts';
import { TextFinder } from '../../src/imap/text-finder.ts';
import { Header } from '../../src/message/header.ts';
import type { MailboxView } from '../../src/store/api.ts';
import fc from '../helpers/properties.ts';
import { viewOf } from './view.ts';

const VIEW: MailboxView = viewOf(8);
const SCOPE = { view: VIEW, saved: NumberSet.range(2, 5), recent: NumberSet.range(7, 8) };

/** Keys that the view settles, and one that needs the header and one the text. */
const leaf: fc.Arbitrary<SearchKey> = fc.oneof(
  fc.constantFrom<SearchKey>({ key: 'all' }, { key: 'recent' }, { key: 'sequence', set: { kind: 'saved' } }),
  fc.nat(10).map((n): SearchKey => ({ key: 'uid', set: { kind: 'ranges', bounds: [n + 1, n + 1] } })),
  fc.nat(900).map((bytes): SearchKey => ({ key: 'larger', bytes })),
  fc.constant<SearchKey>({ key: 'subject', text: Buffer.from('subject 3') }),
  fc.constantFrom<SearchKey>(
    { key: 'text', text: Buffer.from('body 5') },
    { key: 'body', text: Buffer.from('BODY 6') },
  ),
);
const key: fc.Arbitrary<SearchKey> = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('key'), { minLength: 1, maxLength: 3 }).map((keys): SearchKey => ({ key: 'and', keys })),
    fc.tuple(tie('key'), tie('key')).map(([left, right]): SearchKey => ({ key: 'or', left, right })),
    tie('key').map((of): SearchKey => ({ key: 'not', of })),
  ),
})).key;

/** What the key means, with nothing put off. */
function truth(key: SearchKey, index: number): boolean {
  switch (key.key) {
    case 'and':
      return key.keys.every((inner) => truth(inner, index));
    case 'or':
      return truth(key.left, index) || truth(key.right, index);
    case 'not':
      return !truth(key.of, index);
    case 'recent':
      return index >= 6;
    case 'sequence':
      return index >= 1 && index <= 4;
    case 'uid':
      return key.set.kind === 'ranges' && key.set.bounds[0] === index + 1;
    case 'larger':
      return VIEW.size(index) > key.bytes;
    case 'subject':
      return index === 3;
    case 'text':
      return index === 5;
    case 'body':
      return index === 6;
    default:
      return true;
  }
}

test('a verdict that comes early is the one that comes when everything was read', () => {
  fc.assert(
    fc.property(key, fc.nat(7), (key, index) => {
      const { judge, needles } = searchCriteria({ key, charset: null, returns: null }, SCOPE, 0);
      const evidence: Evidence = { view: VIEW, index, record: null, header: null, text: null };
      const verdicts = [judge(evidence)];
      evidence.header = new Header(`Subject: subject ${index}\r\n\r\n`);
      verdicts.push(judge(evidence));
      evidence.text = new TextFinder(needles);
      evidence.text.push(`body ${index}`);
      verdicts.push(judge(evidence));

      assert.equal(verdicts[2], truth(key, index));
      for (const verdict of verdicts) assert.ok(verdict === undefined || verdict === truth(key, index));
    }),
    { numRuns: 2_000 },
  );
});

const found = (messages: NumberSet, asUids = false, withModseq = false) => ({
  view: VIEW,
  messages,
  asUids,
  withModseq,
});
const NONE = { min: false, max: false, count: false, all: false, save: false };

test('responses are those of RFC 3501, RFC 4731 and RFC 7162', () => {
  const some = NumberSet.ascending([2, 3, 5]);
  assert.equal([...searchResponse(found(some))].join(''), '* SEARCH 2 3 5\r\n');
  assert.equal([...searchResponse(found(NumberSet.EMPTY, false, true))].join(''), '* SEARCH\r\n');
  assert.equal([...searchResponse(found(some, false, true))].join(''), '* SEARCH 2 3 5 (MODSEQ 105)\r\n');
  const all = { ...NONE, min: true, max: true, count: true, all: true };
  assert.equal(esearchResponse(found(some), 'A1', all), '* ESEARCH (TAG "A1") MIN 2 MAX 5 ALL 2:3,5 COUNT 3\r\n');
  assert.equal(esearchResponse(found(NumberSet.EMPTY), 'A1', all), '* ESEARCH (TAG "A1") COUNT 0\r\n');
  assert.equal(esearchResponse(found(some), 'A1', { ...NONE, save: true }), null);
  assert.equal(
    esearchResponse(found(some, true, true), 'A1', { ...NONE, min: true }),
    '* ESEARCH (TAG "A1") UID MIN 2 MODSEQ 102\r\n',
    'the modseq is that of what is told (RFC 7162 3.1.10)',
  );
  assert.equal(String(narrowed(some, { ...NONE, min: true, max: true })), '2,5');
  assert.equal(String(narrowed(some, { ...NONE, min: true, count: true })), '2:3,5');
});

test('a SEARCH response of very many numbers comes in pieces and has each once', () => {
  const view = viewOf(12_000);
  const numbers = Array.from({ length: view.length }, (_, index) => index + 1);
  const pieces = [...searchResponse({ ...found(NumberSet.range(1, view.length)), view })];
  assert.ok(pieces.length > 1);
  assert.equal(pieces.join(''), `* SEARCH ${numbers.join(' ')}\r\n`);
});
