import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throttle } from '../../src/auth/throttle.ts';
import type { Milliseconds } from '../../src/store/ids.ts';

const MINUTE: Milliseconds = 60_000;

/** A throttle whose time stands still unless told to go on; those who wait stay until they are let go. */
function office() {
  let now: Milliseconds = 0;
  const sleepers: (() => void)[] = [];
  const slept: Milliseconds[] = [];
  const throttle = new Throttle({
    clock: () => now,
    sleep: (time) => {
      slept.push(time);
      return new Promise<void>((resolve) => sleepers.push(resolve));
    },
  });
  return {
    throttle,
    slept,
    pass: (time: Milliseconds) => {
      now += time;
    },
    wake: () => {
      for (const wake of sleepers.splice(0)) wake();
    },
    /** Fails so many times. @returns the delay of each */
    fail: (times: number, name: string | ((time: number) => string), address: string) =>
      Array.from({ length: times }, (_, time) => {
        const attempt = throttle.attempt(typeof name === 'string' ? name : name(time), address);
        attempt.failed();
        return attempt.delay;
      }),
    delay: (name: string, address: string) => {
      const attempt = throttle.attempt(name, address);
      attempt.withdrawn();
      return attempt.delay;
    },
    signIn: (name: string, address: string) => throttle.attempt(name, address).succeeded(),
  };
}

test('the first failures cost nothing, each further one doubles the delay up to a bound', () => {
  const { fail } = office();
  assert.deepEqual(fail(12, 'anna', '192.0.2.1'), [0, 0, 0, 0, 0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000]);
});

test('an account is protected from many addresses, and an address is slowed for all accounts', () => {
  const { fail, delay } = office();
  fail(6, 'anna', '192.0.2.1');
  assert.ok(delay('anna', '198.51.100.7') > 0);
  assert.equal(delay('ben', '198.51.100.7'), 0);

  fail(30, (time) => `name${time}`, '192.0.2.9');
  assert.ok(delay('ben', '192.0.2.9') > 0);
  assert.equal(delay('ben', '192.0.2.8'), 0);
});

test('addresses of one IPv6 network are slowed together', () => {
  const { fail, delay } = office();
  fail(30, (time) => `name${time}`, '2001:db8::1');
  assert.ok(delay('ben', '2001:db8::abcd') > 0);
  assert.equal(delay('ben', '2001:db8:0:1::1'), 0);
});

test('the delay fades with time', () => {
  const { fail, delay, pass } = office();
  fail(12, 'anna', '192.0.2.1');
  const delays = [delay('anna', '192.0.2.1')];
  for (let quarter = 0; quarter < 5; quarter++) {
    pass(5 * MINUTE);
    delays.push(delay('anna', '192.0.2.1'));
  }
  assert.deepEqual(
    delays,
    [...delays].sort((a, b) => b - a),
  );
  assert.equal(delays[0], 20_000);
  assert.equal(delays.at(-1), 0);
});

test('who has signed in from an address before is not slowed by failures elsewhere', () => {
  const { fail, delay, signIn } = office();
  signIn('anna', '192.0.2.1');
  fail(20, 'anna', '198.51.100.7');
  assert.equal(delay('anna', '192.0.2.1'), 0);
  assert.ok(delay('anna', '203.0.113.1') > 0);
});

test('one device with an old password does not slow the office behind the same address', () => {
  const { fail, delay, signIn } = office();
  for (const name of ['anna', 'ben']) signIn(name, '192.0.2.1');
  fail(100, 'anna', '192.0.2.1');
  assert.ok(delay('anna', '192.0.2.1') > 0); // that device answers for itself
  assert.equal(delay('ben', '192.0.2.1'), 0);
  assert.equal(delay('new', '192.0.2.1'), 0);
});

test('guesses made at the same time do not slip through', () => {
  const { throttle } = office();
  const attempts = Array.from({ length: 8 }, () => throttle.attempt('anna', '192.0.2.1'));
  assert.deepEqual(
    attempts.map(({ delay }) => delay),
    [0, 0, 0, 0, 0, 500, 1_000, 2_000],
  );
  for (const attempt of attempts) attempt.failed();
});

test('an owner who signs in gives a guesser nothing', () => {
  const { fail, delay, signIn } = office();
  fail(8, 'anna', '198.51.100.7');
  const before = delay('anna', '198.51.100.7');
  for (let time = 0; time < 10; time++) signIn('anna', '192.0.2.1');
  assert.equal(delay('anna', '198.51.100.7'), before);
});

test('what was no guess counts for nothing', () => {
  const { throttle, delay } = office();
  for (let time = 0; time < 50; time++) throttle.attempt('anna', '192.0.2.1').withdrawn();
  assert.equal(delay('anna', '192.0.2.1'), 0);
});

test('few wait for one address, the next are turned away at once, and there is room again after', async () => {
  const { fail, throttle, slept, wake } = office();
  fail(7, 'anna', '192.0.2.1');
  const attempt = () => {
    const one = throttle.attempt('anna', '192.0.2.1');
    one.withdrawn();
    return one.wait();
  };
  const waiting = [attempt(), attempt(), attempt(), attempt()];
  assert.equal(await attempt(), false);
  assert.equal(slept.length, 4);
  wake();
  assert.deepEqual(await Promise.all(waiting), [true, true, true, true]);
  const again = attempt();
  wake();
  assert.equal(await again, true);
});
