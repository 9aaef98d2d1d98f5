import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeFailure, problemFailure, problemText } from '../../src/acme/failure.ts';
import { mayAsk, renewalTime, waitAfter, whyDue } from '../../src/acme/schedule.ts';
import fc from '../helpers/properties.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const kinds = fc.constantFrom('unreachable', 'limited', 'refused');
const fingerprint = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));

test('a certificate is renewed with a third of its time left, or up to a thirtieth earlier, and always at the same moment', () => {
  const lifetimes = fc.integer({ min: HOUR, max: 400 * DAY });
  fc.assert(
    fc.property(fingerprint, lifetimes, (print, lifetime) => {
      const validity = { names: [], fingerprint: print, validFrom: 1_000, validTo: 1_000 + lifetime };
      const at = renewalTime(validity);
      const left = (validity.validTo - at) / lifetime;
      assert.ok(left >= 1 / 3 && left <= 1 / 3 + 1 / 30 + 1e-6, `${left}`);
      assert.equal(renewalTime({ ...validity }), at);
    }),
  );
});

test('what is due, and why', () => {
  const current = { names: ['a.test', '*.b.test'], fingerprint: '00', validFrom: 0, validTo: 90 * DAY };
  assert.equal(whyDue(['a.test'], null, 0, 0), 'missing');
  assert.equal(whyDue(['a.test', 'c.test'], current, 0, 0), 'names');
  assert.equal(whyDue(['a.test', 'x.b.test'], current, null, 0), 'authority');
  assert.equal(whyDue(['a.test'], current, 0, 59 * DAY), null);
  assert.equal(whyDue(['a.test'], current, 0, 60 * DAY), 'age');
  const clockIsWrong = 800 * DAY;
  assert.equal(whyDue(['a.test'], current, clockIsWrong, clockIsWrong + DAY), null, 'one was ordered yesterday');
  assert.equal(whyDue(['a.test'], current, clockIsWrong, clockIsWrong + 2 * DAY), 'age');
  assert.equal(whyDue(['a.test'], current, clockIsWrong, 60 * DAY), 'age', 'and then the clock was set right');
});

test('waits grow, never beyond a day, and never below what the authority asked for', () => {
  fc.assert(
    fc.property(
      kinds,
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (kind, failures, random) => {
        const wait = waitAfter(kind, failures, null, random);
        assert.ok(wait >= waitAfter(kind, Math.max(1, failures - 1), null, 0) && wait <= 1.1 * DAY);
        assert.ok(waitAfter(kind, failures, 5 * 3_600, random) >= 5 * HOUR);
        assert.ok(waitAfter(kind, failures, 1e9, random) <= 7 * DAY, 'not for ever');
      },
    ),
  );
});

test('by itself or by hand, no hour has more than four refusals', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 30 * MINUTE }), { maxLength: 60 });
  fc.assert(
    fc.property(gaps, (list) => {
      const refused: number[] = [];
      let now = 100 * DAY;
      for (const gap of list) {
        now += gap;
        if (mayAsk(refused, now) <= now) refused.push(now);
      }
      for (const [index, at] of refused.entries()) assert.ok(index < 4 || at - refused[index - 4]! >= HOUR);
    }),
  );
  assert.equal(mayAsk([9e15, 9e15, 9e15, 9e15], DAY), DAY, 'a clock that was wrong');
});

test('whatever an authority answers, a person gets one short line of it', () => {
  assert.equal(
    problemText({
      type: 'urn:ietf:params:acme:error:malformed',
      detail: 'Some names\r\nwere rejected',
      subproblems: [{ detail: 'no such domain', identifier: { type: 'dns', value: 'a.test' } }, 7],
    }),
    'Some names were rejected; a.test: no such domain',
  );
  const limited = problemFailure(403, { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many' }, 60, null);
  assert.deepEqual([limited.kind, limited.type, limited.retryAfter], ['limited', 'rateLimited', 60]);
  assert.equal(problemFailure(503, '<html>', null, null).kind, 'unreachable');
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 599 }), fc.anything(), (status, document) => {
      const failure = problemFailure(status, document, null, null);
      assert.ok(failure instanceof AcmeFailure && failure.message.length < 600);
      assert.doesNotMatch(failure.message, /[\r\n\0]/);
    }),
  );
});
