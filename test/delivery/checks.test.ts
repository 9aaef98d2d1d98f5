import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChecks } from '../../src/delivery/checks.ts';
import { outboundOf } from '../../src/delivery/filing.ts';
import type { Check, InDelivery, Leaving, Verdict } from '../../src/delivery/in-delivery.ts';
import { Refused } from '../../src/errors.ts';
import type { AccountId, EpochSeconds } from '../../src/store/ids.ts';
import type { StagedMessage } from '../../src/store/types.ts';

function delivery(leaves: readonly Leaving[] = []): InDelivery {
  const envelope = { protocol: 'smtp', remoteAddress: '192.0.2.1', helo: 'x', sender: '', recipients: [] } as const;
  const recipients = leaves.map((each) => ({ address: each.address, accounts: [], leaves: [each], failure: null }));
  const nothing = { findings: '', suspicious: false, unproven: false, disowned: false, borrowed: false } as const;
  const room = { overfull: new Set<AccountId>(), waits: new Map() };
  return { envelope, message: {} as StagedMessage, recipients, ...nothing, ...room };
}

function check(run: Check['run'], more: Partial<Check> = {}): Check {
  return { name: 'test', within: 60_000, whenItFails: 'accept', run, ...more };
}

test('what checks find stands in their order, and one suspicion is enough', async () => {
  const checked = delivery();
  const checks = [
    check(async () => ({ findings: 'A: 1\r\n', suspicious: true })),
    check(async () => undefined),
    check(async () => ({ findings: 'B: 2\r\n', suspicious: false })),
  ];
  await runChecks(checks, checked, () => assert.fail());
  assert.equal(checked.findings, 'A: 1\r\nB: 2\r\n');
  assert.equal(checked.suspicious, true);
});

test('a check that fails is told, and then the message is taken without it, or put off, as the check says', async () => {
  const fault = new Error('out of order');
  const failing = () => Promise.reject(fault);
  const told: unknown[] = [];
  const checked = delivery();
  const after = check(async () => ({ findings: 'A: 1\r\n' }));
  await runChecks([check(failing), after], checked, (_check, error) => told.push(error));
  assert.deepEqual(told, [fault]);
  assert.equal(checked.findings, 'A: 1\r\n');
  const strict = check(failing, { whenItFails: 'put off' });
  await assert.rejects(
    runChecks([strict, after], checked, () => void told.push(fault)),
    { code: 'check.failed' },
  );
  assert.equal(told.length, 2);
});

test('what is not known of a message where a check fails, the check says, and no other', async () => {
  const failing = () => Promise.reject(new Error('out of order'));
  const checked = delivery();
  await runChecks([check(failing)], checked, () => {});
  assert.equal(checked.unproven, false);
  await runChecks([check(failing, { withoutIt: { unproven: true } })], checked, () => {});
  assert.equal(checked.unproven, true);
});

test('what a check says of some recipients they hear, and nobody what it says after its time', async () => {
  const failure = { ok: false, reply: 550, status: '5.7.1', text: 'not you' } as const;
  const at = (address: string): Leaving => ({ account: 1 as AccountId, sender: '', address, destination: 'x.test' });
  const checked = delivery([at('a@x.test'), at('b@x.test')]);
  const late = Promise.withResolvers<Partial<Verdict>>();
  const said = { failures: new Map([['a@x.test', failure]]) };
  await runChecks([check(async () => said), check(() => late.promise, { within: 1 })], checked, () => {});
  late.resolve({ failures: new Map([['b@x.test', failure]]), findings: 'Late: 1\r\n', suspicious: true });
  await late.promise;
  assert.deepEqual(
    checked.recipients.map((each) => each.failure),
    [failure, null],
  );
  assert.deepEqual([checked.findings, checked.suspicious], ['', false]);
});

test('what a check refuses is refused, and what it found is known', async () => {
  const checked = delivery();
  const refused = new Refused('relay.forbidden', 'no');
  const saying = check(async () => ({ findings: 'A: 1\r\n', refused }));
  await assert.rejects(
    runChecks([saying], checked, () => assert.fail()),
    { code: 'relay.forbidden' },
  );
  assert.equal(checked.findings, 'A: 1\r\n');

  const refusing = check(() => Promise.reject(new Refused('relay.forbidden', 'no')));
  await assert.rejects(
    runChecks([refusing], delivery(), () => assert.fail()),
    { code: 'relay.forbidden' },
  );
});

test('a check that never ends is over when its time is, and told to stop', async () => {
  const stopped = Promise.withResolvers<void>();
  const endless = check(
    (_delivery, signal) => new Promise(() => signal.addEventListener('abort', () => stopped.resolve())),
    { within: 1 },
  );
  const told: string[] = [];
  await runChecks([endless], delivery(), ({ name }) => told.push(name));
  await stopped.promise;
  assert.deepEqual(told, ['test']);
});

test('what leaves is one message for each person and reverse path, with each address once', () => {
  const leaving = (account: number, sender: string, address: string): Leaving => {
    return { account: account as AccountId, sender, address, destination: 'example.net' };
  };
  const all = [
    leaving(1, 'anna@office.test', 'carl@example.net'),
    leaving(1, 'anna@office.test', 'dora@example.net'),
    leaving(2, 'srs@office.test', 'carl@example.net'),
    leaving(1, 'anna@office.test', 'carl@example.net'),
  ];
  const outgoing = {
    destinationOf: () => 'example.net',
    times: (from: EpochSeconds) => ({ warn: from + 10, expires: from + 100 }),
    wake: () => {},
  };
  const found = outboundOf(delivery(all), outgoing, 1_000);
  assert.deepEqual(
    found.map(({ account, sender, recipients }) => [account, sender, recipients.map(({ address }) => address)]),
    [
      [1, 'anna@office.test', ['carl@example.net', 'dora@example.net']],
      [2, 'srs@office.test', ['carl@example.net']],
    ],
  );
  assert.deepEqual(found[0]!.recipients[0], { address: 'carl@example.net', destination: 'example.net' });
  assert.deepEqual([found[0]!.warn, found[0]!.expires], [1_010, 1_100]);
});
