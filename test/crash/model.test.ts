/** The crash tests can fail: each thing that must not happen to mail is told by the model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event, MailboxState, SeenMessage, Snapshot } from './journal.ts';
import { Model } from './model.ts';

const NOTHING: readonly string[] = [];

function seen(uid: number, token: string, flags: readonly string[] = NOTHING, modseq = uid): SeenMessage {
  return { uid, token, flags, modseq };
}

/** A mailbox with these messages, each of 10 bytes; its counts are right. */
function mailbox(messages: readonly SeenMessage[], numbers: Partial<MailboxState> = {}): MailboxState {
  return {
    uidvalidity: 7,
    uidnext: 10,
    modseq: 20,
    total: messages.length,
    unseen: messages.filter(({ flags }) => !flags.includes('\\seen')).length,
    deleted: messages.filter(({ flags }) => flags.includes('\\deleted')).length,
    sizeBytes: messages.length * 10,
    messages: messages.map((message) => ({ ...message, size: 10, whole: true })),
    ...numbers,
  };
}

/** Anna has a and b, ben has nothing. */
const START: Snapshot = {
  anna: { INBOX: mailbox([seen(1, 'a'), seen(2, 'b')]), Archive: mailbox([]) },
  ben: { INBOX: mailbox([]) },
};

function annaHas(inbox: MailboxState, archive = mailbox([]), ben = mailbox([])): Snapshot {
  return { anna: { INBOX: inbox, Archive: archive }, ben: { INBOX: ben } };
}

function problems(events: readonly Event[], found: Snapshot): string {
  const model = new Model();
  for (const event of [{ event: 'restarted', snapshot: START } as const, ...events]) model.apply(event);
  return model.problems(found).join('; ');
}

const sent = { event: 'sent', token: 'c', to: ['anna', 'ben'] } as const;
const copied = {
  event: 'asked',
  account: 'anna',
  change: { kind: 'copy', mailbox: 'INBOX', uids: [1, 2], to: 'Archive' },
} as const;
const [a, b, c] = [seen(1, 'a'), seen(2, 'b'), seen(10, 'c')];
const more = { uidnext: 11 };

test('what is as it was is right, and so is what was in doubt, done or not', () => {
  assert.equal(problems([], START), '');
  assert.equal(problems([sent], START), '');
  assert.equal(problems([sent], annaHas(mailbox([a, b, c], more), mailbox([]), mailbox([c], more))), '');
  assert.equal(problems([copied], START), '');
  assert.equal(
    problems([copied], annaHas(mailbox([a, b]), mailbox([seen(10, 'a'), seen(11, 'b')], { uidnext: 12 }))),
    '',
  );
});

const wrong: readonly (readonly [name: string, events: readonly Event[], found: Snapshot, expected: RegExp])[] = [
  ['a message that is lost', [], annaHas(mailbox([a])), /INBOX 2 \(b\) is lost/],
  ['a message that is there twice', [], annaHas(mailbox([a, b, seen(10, 'a')], more)), /10 \(a\) should not be there/],
  ['an acknowledged delivery that is lost', [sent, { event: 'taken', token: 'c' }], START, /the delivery c is lost/],
  ['a delivery that reached one of two', [sent], annaHas(mailbox([a, b, c], more)), /c to anna,ben reached only anna/],
  [
    'a COPY done in part',
    [copied],
    annaHas(mailbox([a, b]), mailbox([seen(10, 'a')], more)),
    /should not be there|in part/,
  ],
  [
    'a COPY acknowledged and lost',
    [copied, { event: 'done', account: 'anna', uids: [10, 11] }],
    START,
    /Archive 10 \(a\) is lost/,
  ],
  [
    'a flag that is lost',
    [
      {
        event: 'asked',
        account: 'anna',
        change: { kind: 'flags', mailbox: 'INBOX', uids: [1], add: true, flags: ['$work'] },
      },
      { event: 'done', account: 'anna', uids: [] },
    ],
    START,
    /INBOX 1 has the flags , not \$work/,
  ],
  [
    'a removed message that is back',
    [
      { event: 'asked', account: 'anna', change: { kind: 'expunge', mailbox: 'INBOX', uids: [2] } },
      { event: 'done', account: 'anna', uids: [] },
    ],
    START,
    /INBOX 2 \(b\) should not be there/,
  ],
  [
    'a message deleted over POP3 that is back',
    [
      { event: 'asked', account: 'anna', change: { kind: 'quit', tokens: ['b'] } },
      { event: 'done', account: 'anna', uids: [] },
    ],
    START,
    /INBOX 2 \(b\) should not be there/,
  ],
  ['a UID of another message', [], annaHas(mailbox([seen(1, 'b'), seen(2, 'a')])), /UID 1 is b, it was a/],
  [
    'bytes that are others',
    [],
    annaHas({ ...mailbox([a, b]), messages: [a, b].map((each) => ({ ...each, size: 10, whole: each !== b })) }),
    /UID 2 \(b\) has not the bytes/,
  ],
  ['UIDNEXT that went back', [], annaHas(mailbox([a, b], { uidnext: 9 })), /UIDNEXT is 9, it was 10/],
  ['HIGHESTMODSEQ that went back', [], annaHas(mailbox([a, b], { modseq: 19 })), /HIGHESTMODSEQ is 19, it was 20/],
  ['a MODSEQ that went back', [], annaHas(mailbox([a, seen(2, 'b', [], 1)])), /MODSEQ of UID 2 is 1, it was 2/],
  ['another UIDVALIDITY', [], annaHas(mailbox([a, b], { uidvalidity: 8 })), /UIDVALIDITY is 8, it was 7/],
  ['counts that are wrong', [], annaHas(mailbox([a, b], { unseen: 1 })), /STATUS says 1 unseen, there are 2/],
  [
    'a UIDL of another message',
    [
      { event: 'listed', account: 'anna', messages: [{ uidl: 'u1', token: 'a' }] },
      { event: 'listed', account: 'anna', messages: [{ uidl: 'u1', token: 'b' }] },
    ],
    START,
    /UIDL u1 is b now, it was a/,
  ],
];
for (const [name, events, found, expected] of wrong) {
  test(`${name} is told`, () => assert.match(problems(events, found), expected));
}
