import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextFinder } from '../../src/imap/text-finder.ts';
import { foldCase } from '../../src/message/casemap.ts';
import fc from '../helpers/properties.ts';

const letters = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'ß', 'é', 'ü', ' '), maxLength: 30 });

test('a text is found however it is cut into pieces', () => {
  fc.assert(
    fc.property(letters, letters, fc.array(fc.nat(40)), (text, sought, cuts) => {
      const whole = new TextFinder([{ text: foldCase(sought), inHeader: false }]);
      whole.push(text);
      const cut = new TextFinder([{ text: foldCase(sought), inHeader: false }]);
      let from = 0;
      for (const at of [...cuts.filter((one) => one < text.length).sort((a, b) => a - b), text.length]) {
        cut.push(text.slice(from, at));
        from = at;
      }
      assert.equal(whole.found(0), foldCase(text).includes(foldCase(sought)));
      assert.equal(cut.found(0), whole.found(0));
    }),
    { numRuns: 2_000 },
  );
});

test('what BODY looks for is not found in the header, and nothing across two parts', () => {
  const finder = new TextFinder([
    { text: 'INVOICE', inHeader: false },
    { text: 'INVOICE', inHeader: true },
    { text: 'ONETWO', inHeader: true },
  ]);
  finder.pushHeader('subject: invoice\n');
  finder.push('one');
  finder.endPart();
  finder.push('two');

  assert.deepEqual([finder.found(0), finder.found(1), finder.found(2)], [false, true, false]);
  assert.equal(finder.done, false);
});

test('an empty text is in every message', () => {
  const finder = new TextFinder([{ text: '', inHeader: false }]);
  assert.ok(finder.found(0) && finder.done);
});
