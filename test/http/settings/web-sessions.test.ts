import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '../../../src/http/settings/grant.ts';
import { LINK_LIFETIME, PhoneLinks } from '../../../src/http/settings/phone-links.ts';
import { IDLE, LONGEST, MOST_BY_ACCOUNT, WebSessions } from '../../../src/http/settings/web-sessions.ts';
import type { AccountId } from '../../../src/store/ids.ts';

function grantOf(account: number): Grant {
  return { account: account as AccountId, name: `person${account}@office.test`, credential: 1, hash: 'hash' };
}

function beginning(account: number) {
  const credential = { id: 1, kind: 'password', label: '' } as const;
  return { grant: grantOf(account), credential, address: '192.0.2.1', local: false, client: 'a browser' };
}

/** Time that passes only when a test says so. */
function timer() {
  let now = 1_800_000_000_000;
  return { clock: () => now, pass: (time: number) => (now += time) };
}

test('a session ends when it was not used for a while, and after a time whatever happens', () => {
  const { clock, pass } = timer();
  const sessions = new WebSessions(clock);
  const { session, secret } = sessions.begin(beginning(1));
  pass(IDLE);
  assert.equal(sessions.find(secret), session);
  pass(IDLE + 1);
  assert.deepEqual(sessions.sessions(), []);
  assert.equal(sessions.find(secret), undefined);
  assert.equal(session.ended, true);

  const busy = sessions.begin(beginning(1));
  for (let used = 0; used + IDLE <= LONGEST; used += IDLE) {
    assert.equal(sessions.find(busy.secret), busy.session);
    pass(IDLE);
  }
  pass(1);
  assert.equal(sessions.find(busy.secret), undefined);
});

test('an account has so many sessions at most: the one unused for longest makes room, and nobody else loses any', () => {
  const sessions = new WebSessions(timer().clock);
  const other = sessions.begin(beginning(2));
  const own = Array.from({ length: MOST_BY_ACCOUNT }, () => sessions.begin(beginning(1)));
  sessions.find(own[0]!.secret);
  sessions.begin(beginning(1));
  assert.equal(sessions.sessions(1 as AccountId).length, MOST_BY_ACCOUNT);
  assert.ok(sessions.find(own[0]!.secret), 'used since');
  assert.equal(sessions.find(own[1]!.secret), undefined);
  assert.ok(sessions.find(other.secret));
});

test('all accounts together have so many sessions at most', () => {
  const sessions = new WebSessions(timer().clock, 3);
  for (let account = 1; account <= 5; account++) sessions.begin(beginning(account));
  assert.deepEqual(
    sessions.sessions().map(({ account }) => account),
    [3, 4, 5],
  );
});

test('who ends a session waits for what is being done in it, and no longer', async () => {
  const sessions = new WebSessions(timer().clock);
  const { session, secret } = sessions.begin(beginning(1));
  const steps: string[] = [];
  const request = Promise.withResolvers<void>();
  const done = session.during(async () => {
    await request.promise;
    steps.push('answered');
  });
  const over = session.signOut('ended').then(() => steps.push('over'));
  assert.deepEqual([sessions.find(secret), session.ended], [undefined, true]);
  request.resolve();
  await Promise.all([done, over]);
  assert.deepEqual(steps, ['answered', 'over']);
  await session.signOut('ended');
});

test('a link for a phone is good once, for its time, and a fourth makes the first void', () => {
  const { clock, pass } = timer();
  const links = new PhoneLinks(clock);
  const secret = links.make(grantOf(1), 'phone');
  assert.equal(links.look(secret)?.label, 'phone');
  assert.equal(links.use(secret)?.label, 'phone');
  assert.equal(links.use(secret), undefined);

  const late = links.make(grantOf(1), 'late');
  pass(LINK_LIFETIME + 1);
  assert.equal(links.look(late), undefined);
  assert.equal(links.use(late), undefined);

  const other = links.make(grantOf(2), 'other');
  const own = ['a', 'b', 'c', 'd'].map((label) => links.make(grantOf(1), label));
  assert.deepEqual(
    own.map((one) => links.look(one)?.label),
    [undefined, 'b', 'c', 'd'],
  );
  assert.equal(links.look(other)?.label, 'other');
});
