import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace, progressBar, progressFigures } from '../../src/cli/progress.ts';
import type { Progress } from '../../src/progress.ts';
import fc from '../helpers/properties.ts';

const half: Progress = { what: 'Sent', done: 1_500, total: 3_000, unit: 'messages' };

test('a bar shows how much is done, how fast it goes and how long it takes still', () => {
  assert.equal(
    progressBar(half, 250, 100),
    '[############------------]  50%  1,500 of 3,000 messages  250/s  0:06 left  Sent',
  );
  assert.equal(
    progressBar({ what: '', done: 3 << 20, total: 6 * 2 ** 30, unit: 'bytes' }, 1 << 20, 100),
    '[------------------------]   0%  3.0 MB of 6.0 GB  1.0 MB/s  1:42:21 left',
  );
});

test('without a total there is no bar and no time left', () => {
  assert.equal(progressBar({ what: 'Sent', done: 7, unit: 'accounts' }, 3.25, 80), '7 accounts  3.3/s  Sent');
});

test('a rate that is not known yet is not shown', () => {
  assert.deepEqual(progressFigures(half, undefined), ['1,500 of 3,000 messages']);
});

test('a narrow terminal gets less, a long name its end', () => {
  assert.equal(progressBar(half, 250, 65), '1,500 of 3,000 messages  250/s  0:06 left');
  assert.equal(progressBar(half, 250, 30), '1,500 of 3,000 messages');
  const named = { what: '/home/anna/Maildir/.Clients.Miller', done: 5, unit: 'messages' } as const;
  assert.equal(progressBar(named, undefined, 30), '5 messages  …r/.Clients.Miller');
});

test('the line is never wider than the terminal, whatever is reported, and moves no cursor', () => {
  const progress = fc.record({
    what: fc.string({ unit: 'binary', maxLength: 60 }),
    done: fc.nat(1e12),
    total: fc.nat(1e12),
    unit: fc.constantFrom<Progress['unit']>('messages', 'bytes'),
  });
  fc.assert(
    fc.property(progress, fc.nat(1e9), fc.integer({ min: 1, max: 200 }), (report, rate, columns) => {
      const line = progressBar(report, rate, columns);
      assert.ok([...line].length <= columns);
      assert.doesNotMatch(line, /\p{Cc}/u);
    }),
  );
});

test('the rate follows a change without a jump, and begins anew with another step', () => {
  const pace = new Pace();
  let done = 0;
  for (let second = 0; second <= 10; second++, done += 100) pace.report({ ...half, done }, second * 1_000);
  assert.equal(Math.round(pace.perSecond!), 100);
  pace.report({ ...half, done: done + 900 }, 11_000);
  assert.ok(pace.perSecond! > 150 && pace.perSecond! < 300, `${pace.perSecond}`);
  pace.report({ ...half, done: 0 }, 12_000);
  assert.equal(pace.perSecond, undefined);
});
