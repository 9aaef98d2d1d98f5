/** Reports that leave themselves: when what sends the queue hears of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecipientOutcome } from '../../src/outbound/types.ts';
import { LeavingReports } from '../../src/server/leaving-reports.ts';
import { srsOf } from '../../src/signing/signing.ts';
import type { QueueId } from '../../src/store/ids.ts';
import { WritingRoom } from '../outbound/report/writing-room.ts';

const REFUSED = { reply: 550, status: '5.1.1', text: 'no such user' } as const;

test('what sends the queue hears of a report for somebody elsewhere once it is there, and of no other', async (t) => {
  const room = await WritingRoom.open(t);
  const { queue } = room.store;
  const woken: string[][] = [];
  const due: string[][] = [];
  const leaving = new LeavingReports(room.reports, (destinations) => void woken.push([...destinations]));
  const fail = async (id: QueueId) => {
    const batch = (await queue.message(id))!;
    const outcomes = batch.recipients.map(
      (recipient): RecipientOutcome => ({
        recipient,
        kind: 'failed',
        said: REFUSED,
        peer: 'mx.example.net',
        relaysNotices: false,
      }),
    );
    const report = await leaving.report(batch.message, outcomes);
    assert.deepEqual(woken, []);
    await queue.settle(batch, { settlements: [{ number: 0, end: 'failed' }], report });
    due.push(await queue.destinationsDue(10));
    for (const outcome of outcomes) leaving.settled(outcome);
    return woken.splice(0);
  };
  assert.deepEqual(await fail(await room.send({ to: ['carl@example.net'] })), []); // Anna's is in her INBOX
  const sender = await srsOf(room.directory).forward('zoe@example.com', 'anna@office.test');
  const forwarded = await room.send({ to: ['carl@example.net'], outbound: { sender } });
  assert.deepEqual(await fail(forwarded), [['example.com']]);
  assert.deepEqual(due, [[], ['example.com']]);
});
