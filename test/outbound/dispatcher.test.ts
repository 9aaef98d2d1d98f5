/** Mail leaves: a real store, a real DNS, real sockets; the peers are the test's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused } from '../../src/errors.ts';
import { recalled } from '../../src/outbound/outcomes.ts';
import type { Reporter } from '../../src/outbound/types.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { message, stage } from '../store/helpers.ts';
import { PATIENT } from './scripted-peer.ts';
import { SendingRoom } from './sending-room.ts';

test('mail is with the hosts of its domains, whole, and nothing is left of it here', async (t) => {
  const room = await SendingRoom.open(t);
  const net = await room.domain('example.net');
  const org = await room.domain('example.org');
  await room.send('Offer', ['carl@example.net', 'dora@example.net', 'emil@example.org']);
  assert.deepEqual(await room.known(3), ['carl@example.net sent', 'dora@example.net sent', 'emil@example.org sent']);
  assert.equal(net.taken[0]!.body, message('Offer').toString());
  assert.deepEqual(net.taken[0]!.recipients, ['carl@example.net', 'dora@example.net']);
  assert.deepEqual(org.taken[0]!.recipients, ['emil@example.org']);
  assert.equal((await room.store.queue.size()).messages, 0);
  assert.deepEqual((await room.store.verify()).findings, []);
});

test('each recipient comes to the end that the peer gave it', async (t) => {
  const room = await SendingRoom.open(t);
  await room.domain('example.net', {
    says: (_command, line) =>
      line.includes('<nobody@') ? '550 5.1.1 nobody' : line.includes('<later@') ? '450 4.2.1 greylisted' : undefined,
  });
  const id = await room.send('Offer', ['carl@example.net', 'nobody@example.net', 'later@example.net']);
  assert.deepEqual(await room.known(3), [
    'carl@example.net sent',
    'later@example.net deferred',
    'nobody@example.net failed',
  ]);
  const { recipients } = (await room.store.queue.message(id))!;
  assert.deepEqual(
    recipients.map(({ address, attempts, reply }) => ({ address, attempts, reply })),
    [{ address: 'later@example.net', attempts: 1, reply: 'mx.example.net [127.0.0.11] said: 450 4.2.1 greylisted' }],
  );
});

test('a server that takes few recipients at once gets the others with the next message', async (t) => {
  const room = await SendingRoom.open(t);
  let recipients = 0;
  const net = await room.domain('example.net', {
    says(command) {
      if (command === 'MAIL') recipients = 0;
      return command === 'RCPT' && ++recipients > 2 ? '452 4.5.3 too many recipients' : undefined;
    },
  });
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.net`);
  await room.send('Offer', names);
  assert.deepEqual(
    await room.known(5),
    names.map((name) => `${name} sent`),
  );
  assert.deepEqual(
    net.taken.map((message) => message.recipients.length),
    [2, 2, 1],
  );
  assert.equal(net.connections, 1);
});

test('a domain that does not exist, or takes no mail, or names this server, is an end; one of which nobody can say is none', async (t) => {
  const room = await SendingRoom.open(t);
  room.dns.say('MX', 'nomail.test', { preference: 0, exchange: '.' });
  room.dns.say('MX', 'loop.test', { preference: 10, exchange: 'mail.office.test' });
  room.dns.zone.set('MX broken.test', 'SERVFAIL');
  await room.send('Offer', ['a@missing.test', 'b@nomail.test', 'c@loop.test', 'd@broken.test']);
  assert.deepEqual(await room.known(4), [
    'a@missing.test failed',
    'b@nomail.test failed',
    'c@loop.test failed',
    'd@broken.test deferred',
  ]);
  const status = new Map(room.outcomes.map(({ recipient, said }) => [recipient.address, said.status]));
  assert.deepEqual([...status].sort(), [
    ['a@missing.test', '5.1.2'],
    ['b@nomail.test', '5.1.10'],
    ['c@loop.test', '5.4.6'],
    ['d@broken.test', '4.4.3'],
  ]);
});

test('a host that turns out to be this server by another name is an end, but for those before it that may be back', async (t) => {
  const room = await SendingRoom.open(t);
  await room.domain('ours.test', { says: (command) => (command === 'EHLO' ? '250 Mail.Office.test' : undefined) });
  const behind = await room.domain('behind.test');
  const hosts = ['mx.away.test', 'mx.ours.test', 'mx.behind.test'].map((exchange, at) => ({
    preference: 10 * at,
    exchange,
  }));
  room.dns.say('MX', 'backup.test', ...hosts);
  room.dns.say('A', 'mx.away.test', '127.0.0.250');
  room.dns.say('AAAA', 'mx.away.test');
  await room.send('Circle', ['a@ours.test']);
  await room.send('Backup', ['b@backup.test']);
  assert.deepEqual(await room.known(2), ['a@ours.test failed', 'b@backup.test deferred']);
  assert.deepEqual(room.outcomes.map(({ said }) => said.status).sort(), ['4.4.1', '5.4.6']);
  assert.equal(behind.connections, 0);
});

test('the next host is tried when the first does not answer', async (t) => {
  const room = await SendingRoom.open(t);
  const second = await room.domain('second.test');
  room.dns.say(
    'MX',
    'example.net',
    { preference: 1, exchange: 'dead.test' },
    { preference: 2, exchange: 'mx.second.test' },
  );
  room.dns.say('A', 'dead.test', '127.0.0.9');
  room.dns.say('AAAA', 'dead.test');
  await room.send('Offer', ['carl@example.net']);
  assert.deepEqual(await room.known(1), ['carl@example.net sent']);
  assert.equal(second.taken.length, 1);
});

test('a connection waits a moment for the next message, and leaves at once when others need its place', async (t) => {
  const room = await SendingRoom.open(t, { connections: 1, spareFor: 60_000 });
  const net = await room.domain('example.net');
  const org = await room.domain('example.org');
  await room.send('First', ['carl@example.net']);
  await room.known(1);
  await room.send('Second', ['dora@example.net']);
  await room.known(2);
  assert.equal(net.connections, 1);
  await room.send('Third', ['emil@example.org']);
  assert.deepEqual(await room.known(3), ['carl@example.net sent', 'dora@example.net sent', 'emil@example.org sent']);
  assert.equal(org.taken.length, 1);
});

test('many messages to one domain share its few connections', async (t) => {
  const room = await SendingRoom.open(t);
  const net = await room.domain('example.net');
  for (let number = 0; number < 30; number++) await room.send(`Offer ${number}`, ['carl@example.net']);
  await room.known(30);
  assert.equal(net.taken.length, 30);
  assert.equal(new Set(net.taken.map(({ body }) => body)).size, 30);
  assert.ok(net.connections <= 12, `${net.connections} connections`);
});

test('one connection takes what it can keep up with; a long queue gets more', async (t) => {
  const room = await SendingRoom.open(t);
  const [few, many] = [await room.domain('few.test'), await room.domain('many.test')];
  for (let number = 0; number < 12; number++) await room.queue(`Offer ${number}`, ['carl@few.test']);
  for (let number = 0; number < 60; number++) await room.queue(`Offer ${number}`, ['carl@many.test']);
  room.dispatcher.wake();
  await room.known(72);
  assert.deepEqual([few.connections, many.connections], [1, 2]);
  assert.equal(new Set([...few.taken, ...many.taken].map(({ body }) => body)).size, 60);
  assert.equal(few.taken.length + many.taken.length, 72);
});

test('nobody waits for long behind a message that takes long', async (t) => {
  const room = await SendingRoom.open(t, { patience: 100 });
  let isFirst = true;
  const net = await room.domain('example.net', {
    says: (command) => {
      if (command !== 'body' || !isFirst) return undefined;
      isFirst = false;
      return 'silence';
    },
  });
  await room.queue('Slow', ['carl@example.net']);
  await room.send('Quick', ['dora@example.net']);
  assert.deepEqual(await room.known(1), ['dora@example.net sent']);
  assert.equal(net.connections, 2);
  await room.dispatcher.stop(0);
});

test('what becomes due while the only connection hangs gets another one', async (t) => {
  const room = await SendingRoom.open(t, { patience: 50, lookEvery: 1e9 });
  let isFirst = true;
  const net = await room.domain('example.net', {
    says: (command) => {
      if (command !== 'body' || !isFirst) return undefined;
      isFirst = false;
      return 'silence';
    },
  });
  await room.queue('Due soon', ['dora@example.net'], { due: nowSeconds() + 1 });
  await room.queue('Slow', ['carl@example.net']);
  room.dispatcher.wake(['example.net']);
  assert.deepEqual(await room.known(1), ['dora@example.net sent']);
  assert.equal(net.connections, 2);
  await room.dispatcher.stop(0);
});

test('what is held or removed after it was read ahead is not sent', async (t) => {
  const { promise: isTaken, resolve: taken } = Promise.withResolvers<void>();
  const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>();
  const room = await SendingRoom.open(t, { byDestination: 1 }, (queue) => ({
    async settle(...args) {
      taken();
      await goOn;
      await queue.settle(...args);
    },
  }));
  const net = await room.domain('example.net');
  await room.queue('First', ['carl@example.net']);
  await room.queue('Held', ['dora@example.net']);
  await room.queue('Removed', ['emil@example.net']);
  await room.send('Last', ['fritz@example.net']);
  await isTaken;
  const entries = (await Array.fromAsync(room.store.queue.pages())).flat();
  const of = (name: string) => entries.filter(({ address }) => address.startsWith(name));
  await room.store.queue.change(of('dora'), { kind: 'hold' }, async () => {});
  await room.store.queue.change(of('emil'), { kind: 'remove' }, async () => {});
  room.dispatcher.wake();
  letGo();
  assert.deepEqual(await room.known(2), ['carl@example.net sent', 'fritz@example.net sent']);
  assert.equal(net.taken.length, 2);
});

test('a server that allows one connection gets all by that one', async (t) => {
  const room = await SendingRoom.open(t);
  const net = await room.domain('example.net', {
    says: (command) => (command === 'greeting' && net.sockets.size > 1 ? '421 4.3.2 too many connections' : undefined),
  });
  for (let number = 0; number < 60; number++) await room.queue(`Offer ${number}`, ['carl@example.net']);
  room.dispatcher.wake();
  await room.known(60);
  assert.equal(net.taken.length, 60);
  assert.deepEqual([...new Set(room.outcomes.map(({ kind }) => kind))], ['sent']);
});

test('who is sent another way while he is tried leaves no destination behind', async (t) => {
  const { promise: isTried, resolve: tried } = Promise.withResolvers<void>();
  const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>();
  const room = await SendingRoom.open(t, {}, (queue) => ({
    async settle(...args) {
      tried();
      await goOn;
      await queue.settle(...args);
    },
  }));
  await room.domain('example.net');
  await room.send('Offer', ['carl@example.net']);
  await isTried;
  const entries = (await Array.fromAsync(room.store.queue.pages())).flat();
  await room.store.queue.change(entries, { kind: 'reroute', destination: 'example.org' }, async () => {});
  letGo();
  assert.deepEqual(await room.known(1), ['carl@example.net sent']);
  assert.deepEqual(await room.store.queue.destinationsDue(10), []);
});

for (const name of ['areDue', 'nextBatches', 'nextDue', 'destinationsDue'] as const) {
  test(`mail leaves although the database failed once (${name})`, async (t) => {
    let fails = 1;
    const room = await SendingRoom.open(t, { patience: 20, lookEvery: 1e9 }, (queue) => ({
      [name]: (...args: unknown[]): unknown =>
        fails-- > 0 ? Promise.reject(new Error('no database')) : Reflect.apply(queue[name], queue, args),
    }));
    await room.domain('example.net');
    await room.queue('Offer', ['carl@example.net']);
    if (name === 'destinationsDue') room.dispatcher.wake();
    else room.dispatcher.wake(['example.net']);
    assert.deepEqual(await room.known(1), ['carl@example.net sent']);
    await room.dispatcher.stop(5_000);
    assert.deepEqual(room.faults.splice(0).map(String), ['Error: no database']);
  });
}

test('a domain that does not answer holds nobody else up, and is put off as a whole', async (t) => {
  const room = await SendingRoom.open(t, { connections: 4, limits: { ...PATIENT, greeting: 2_000 } });
  await room.domain('silent.test', { says: (command) => (command === 'greeting' ? 'silence' : undefined) });
  const net = await room.domain('example.net');
  for (let number = 0; number < 10; number++) await room.send(`To nobody ${number}`, ['carl@silent.test']);
  for (let number = 0; number < 10; number++) await room.send(`Offer ${number}`, ['carl@example.net']);
  while (net.taken.length < 10) await room.known(room.outcomes.length + 1);
  await room.known(11); // the connection to the other has given up
  assert.deepEqual(await room.store.queue.destinationsDue(10), []);
  assert.equal((await room.store.queue.size()).messages, 10);
});

test('mail whose time is over fails with what was said last, and a late one is told of once', async (t) => {
  const room = await SendingRoom.open(t);
  room.dns.zone.set('MX broken.test', 'SERVFAIL');
  const now = nowSeconds();
  const later = now + 3_600;
  await room.send('Over', ['a@broken.test'], { expires: now, due: later });
  await room.send('Late', ['b@broken.test'], { warn: now, due: later });
  assert.deepEqual(await room.known(2), ['a@broken.test failed', 'b@broken.test delayed']);
  assert.deepEqual(await room.store.queue.overdue(10), { expired: [], late: [] });
  assert.equal((await room.store.queue.size()).messages, 1);
});

test('what a server said, or what kept mail from it, is remembered with its name until the time is over', async (t) => {
  const room = await SendingRoom.open(t);
  await room.domain('busy.test', { says: (command) => (command === 'RCPT' ? '451 4.7.1 greylisted' : undefined) });
  await room.domain('closed.test', { says: (command) => (command === 'greeting' ? '554 5.7.1 go away' : undefined) });
  await room.domain('cut.test', { says: (command) => (command === 'greeting' ? 'drop' : undefined) });
  const told: object[] = [];
  for (const [at, name] of ['busy', 'closed', 'cut'].entries()) {
    const id = await room.send('Over', [`a@${name}.test`]);
    await room.known(at + 1);
    const { reply } = (await room.store.queue.message(id))!.recipients[0]!;
    const { said, peer } = recalled(reply)!;
    assert.deepEqual({ said, peer }, { said: room.outcomes[at]!.said, peer: room.outcomes[at]!.peer });
    told.push([reply, said.reply, said.theirs === true]);
  }
  assert.deepEqual(told, [
    ['mx.busy.test [127.0.0.11] said: 451 4.7.1 greylisted', 451, true],
    ['mx.closed.test [127.0.0.12] said: 554 5.7.1 go away', 451, true],
    ['mx.cut.test [127.0.0.13]: 451 4.4.1 it has closed the connection', 451, false],
  ]);
  assert.equal(recalled('no route'), undefined);
});

test('all whose time is over hear of it at once, however many they are', async (t) => {
  const room = await SendingRoom.open(t, { lookEvery: 1e9 });
  const now = nowSeconds();
  const over = Array.from({ length: 120 }, (_, at) =>
    room.queue(`Over ${at}`, ['a@broken.test'], { expires: now, due: now + 3_600 }),
  );
  await Promise.all(over);
  room.dispatcher.wake();
  await room.known(120);
  assert.equal((await room.store.queue.size()).messages, 0);
});

test('what was under way when the server stopped is still in the queue, once', async (t) => {
  const room = await SendingRoom.open(t);
  let reached = () => {};
  const reaching = new Promise<void>((resolve) => (reached = resolve));
  await room.domain('example.net', {
    says: (command) => {
      if (command !== 'body') return undefined;
      reached();
      return 'silence';
    },
  });
  const id = await room.send('Offer', ['carl@example.net']);
  await reaching;
  await room.dispatcher.stop(0);
  const { recipients } = (await room.store.queue.message(id))!;
  assert.deepEqual(
    recipients.map(({ attempts, reply }) => ({ attempts, reply })),
    [{ attempts: 0, reply: '' }], // that we hung up says nothing of the peer
  );
  assert.equal(room.dispatcher.trying, 0);
});

test('one message for somebody else does not wait for all of a long queue', async (t) => {
  const room = await SendingRoom.open(t, { connections: 1, byDestination: 1 });
  const many = await room.domain('many.test');
  const few = await room.domain('few.test');
  for (let number = 0; number < 40; number++) await room.queue(`Newsletter ${number}`, ['carl@many.test']);
  await room.send('Letter', ['dora@few.test']);
  while (few.taken.length === 0) await room.known(room.outcomes.length + 1);
  assert.ok(many.taken.length < 40, `${many.taken.length} of the newsletter went first`);
  await room.known(41);
});

test('mail that is to leave later leaves when its time has come', async (t) => {
  const room = await SendingRoom.open(t);
  const net = await room.domain('example.net');
  const due = nowSeconds() + 1;
  await room.send('Later', ['carl@example.net'], { due });
  await room.send('Now', ['carl@example.net']);
  await room.known(1);
  assert.match(net.taken[0]!.body, /Subject: Now/);
  await room.known(2);
  assert.ok(nowSeconds() >= due);
});

test('what a peer took is noted when that is possible again, and sent to nobody meanwhile', async (t) => {
  let fails = 1;
  const room = await SendingRoom.open(t, {}, (queue) => ({
    settle: (...args) => (fails-- > 0 ? Promise.reject(new Error('the disk is busy')) : queue.settle(...args)),
  }));
  const net = await room.domain('example.net');
  await room.send('Offer', ['carl@example.net']);
  assert.deepEqual(await room.known(1), ['carl@example.net sent']);
  assert.equal(net.taken.length, 1);
  assert.equal((await room.store.queue.size()).messages, 0);
  assert.deepEqual(room.faults.splice(0).map(String), ['Error: the disk is busy']);
});

test('while there is no room for reports nobody fails unheard, and what was taken is not sent again', async (t) => {
  let isFull = true;
  const report = async () => {
    if (isFull) throw new Refused('store.full', 'The disk is full.');
    return undefined;
  };
  const room = await SendingRoom.open(t, { reporter: { report } });
  const net = await room.domain('example.net', {
    says: (_command, line) => (line.includes('<nobody@') ? '550 5.1.1 nobody' : undefined),
  });
  await room.queue('Over', ['a@missing.test'], { expires: nowSeconds(), due: nowSeconds() + 3_600 });
  const id = await room.send('Offer', ['carl@example.net', 'nobody@example.net']);
  assert.deepEqual(await room.known(2), ['carl@example.net sent', 'nobody@example.net deferred']);
  assert.equal(net.taken.length, 1);
  const { recipients } = (await room.store.queue.message(id))!;
  assert.deepEqual(
    recipients.map(({ address, reply }) => ({ address, reply })),
    [{ address: 'nobody@example.net', reply: 'mx.example.net [127.0.0.11] said: 550 5.1.1 nobody' }],
  );
  isFull = false;
  room.dispatcher.wake();
  assert.deepEqual((await room.known(3))[0], 'a@missing.test failed');
});

test('a message whose end can not be noted keeps no other from its own', async (t) => {
  const report: Reporter['report'] = async (_message, [outcome]) => {
    if (outcome?.recipient.address === 'a@missing.test')
      throw new Refused('mailbox.missing', 'There is no such account.');
    return undefined;
  };
  const room = await SendingRoom.open(t, { reporter: { report } });
  const now = nowSeconds();
  await room.queue('Over', ['a@missing.test'], { expires: now - 1, due: now + 3_600 });
  await room.send('Over, too', ['b@missing.test'], { expires: now, due: now + 3_600 });
  assert.deepEqual(await room.known(1), ['b@missing.test failed']);
});

test('a report for a sender elsewhere leaves as soon as it is there', async (t) => {
  const room: SendingRoom = await SendingRoom.open(t, {
    reporter: {
      async report({ sender, account }) {
        if (sender === '') return undefined;
        const recipients = [{ address: 'zoe@example.com', destination: 'example.com' }];
        const outbound = [{ account, sender: '', recipients, expires: nowSeconds() + 86_400 }];
        const report = await stage(room.store, message('Undelivered'));
        return { message: report, targets: [], sent: undefined, outbound };
      },
    },
  });
  const com = await room.domain('example.com');
  await room.send('Offer', ['a@missing.test']);
  assert.deepEqual(await room.known(2), ['a@missing.test failed', 'zoe@example.com sent']);
  assert.match(com.taken[0]!.body, /Subject: Undelivered/);
});

test('a fault of ours puts mail off, as a fault of others does', async (t) => {
  const room = await SendingRoom.open(t, { signer: { sign: () => Promise.reject(new Error('no such key')) } });
  await room.domain('example.net');
  const id = await room.send('Offer', ['carl@example.net']);
  assert.deepEqual(await room.known(1), ['carl@example.net deferred']);
  const [recipient] = (await room.store.queue.message(id))!.recipients;
  assert.ok(recipient!.due > nowSeconds());
  assert.deepEqual(room.faults.splice(0).map(String), ['Error: no such key']);
});

test('a host that turns everybody away is no end for mail', async (t) => {
  const room = await SendingRoom.open(t);
  await room.domain('example.net', { says: (command) => (command === 'greeting' ? '554 5.3.2 not today' : undefined) });
  await room.send('Offer', ['carl@example.net']);
  assert.deepEqual(await room.known(1), ['carl@example.net deferred']);
  assert.match(room.outcomes[0]!.said.text, /554 5\.3\.2 not today/);
});

test('what one sender waives of TLS is for that message alone', async (t) => {
  const room = await SendingRoom.open(t, { byDestination: 1 });
  const plain = await room.domain('example.net', {
    says: (command) => (command === 'STARTTLS' ? '502 5.5.1 what?' : undefined),
  });
  const now = nowSeconds();
  const wanted = { id: '1', mode: 'enforce', mx: ['mx.example.net'], fetched: now, expires: now + 86_400 } as const;
  await room.store.stsPolicies.keep('example.net', wanted);
  const waived = { options: { waiveTls: true } };
  await room.send('Your TLS is broken', ['postmaster@example.net'], { ...waived, priority: 'high' });
  await room.send('Offer', ['carl@example.net']);
  assert.deepEqual(await room.known(2), ['carl@example.net deferred', 'postmaster@example.net sent']);
  assert.deepEqual(
    plain.taken.map(({ recipients, secure }) => [recipients, secure]),
    [[['postmaster@example.net'], false]],
  );
});
