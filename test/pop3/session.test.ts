import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagsFrom } from '../../src/store/flags.ts';
import { INBOX } from '../../src/store/operations/mailboxes.ts';
import { ScramClient } from '../auth/scram-client.ts';
import { type Client, type MailRoom, mailRoom, PASSWORD } from '../helpers/mail-room.ts';
import { saslPlain } from '../helpers/sasl-plain.ts';

async function signIn(room: MailRoom, person = 'anna'): Promise<Client> {
  const pop3 = await room.connect('pop3');
  assert.equal(await pop3.ask(`USER ${person}@office.test`), '+OK Now the password\r\n');
  assert.match(await pop3.ask(`PASS ${PASSWORD}`), /^\+OK \d+ messages \(\d+ octets\)\r\n$/);
  return pop3;
}

/** A message put into INBOX as IMAP would do it: byte for byte, without trace lines. */
async function append(room: MailRoom, person: string, message: string, uidl?: string): Promise<void> {
  const { id: account } = await room.directory.account(`${person}@office.test`);
  const stage = room.store.stage(100e6);
  await stage.write(Buffer.from(message, 'latin1'));
  const staged = await stage.finish();
  const flags = flagsFrom([]);
  await room.store.append({ account, mailbox: INBOX }, [{ staged, flags, ...(uidl !== undefined && { uidl }) }]);
}

const before = ['CAPA', 'QUIT', 'USER x', 'PASS x', 'AUTH', 'STLS', 'UTF8', 'LANG', 'LANG en'];
const after = [
  'CAPA',
  'QUIT',
  'STAT',
  'LIST',
  'LIST 1',
  'UIDL',
  'UIDL 1',
  'RETR 1',
  'TOP 1 0',
  'DELE 1',
  'RSET',
  'NOOP',
  'LANG',
  'LANG en',
];

test('every command works in its state and in no other', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await append(room, 'anna', 'Subject: x\r\n\r\n');
  for (const command of [...before, ...after, 'APOP x y', 'LAST', '', 'X'.repeat(500)]) {
    const fresh = await room.connect('pop3');
    const isFirst = before.includes(command) && command !== 'PASS x'; // PASS comes after USER
    assert.equal((await fresh.ask(command)).startsWith('+OK'), isFirst, `${command} before sign-in`);
    fresh.socket.destroy();
    const signedIn = await signIn(room);
    assert.equal((await signedIn.ask(command)).startsWith('+OK'), after.includes(command), `${command} after sign-in`);
    signedIn.socket.destroy();
  }
});

test('CAPA tells what there is, before and after sign-in', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const common =
    'TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUSER\r\nUTF8 USER\r\nLANG\r\nSASL SCRAM-SHA-256 PLAIN LOGIN\r\n';
  const fresh = await room.connect('pop3');
  assert.equal(await fresh.lines('CAPA'), `${common}STLS\r\n`);
  assert.equal(await (await signIn(room)).lines('capa'), `${common}IMPLEMENTATION Rainmail\r\n`);
});

test('from another machine there is no way to sign in before TLS', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], fromAfar: true });
  const plain = await room.connect('pop3');
  assert.doesNotMatch(await plain.lines('CAPA'), /^USER|SASL/m);
  assert.match(await plain.ask('USER anna@office.test'), /^-ERR .*STLS/);
  assert.match(await plain.ask(`PASS ${PASSWORD}`), /^-ERR /);
  assert.match(await plain.ask(`AUTH PLAIN ${saslPlain('anna@office.test', PASSWORD)}`), /^-ERR .*STLS/);
  plain.send('STLS\r\nQUIT\r\n'); // what is smuggled behind STLS is never run
  assert.match(await plain.reply(), /^\+OK /);
  const secure = await plain.startTls();
  assert.match(await secure.lines('CAPA'), /USER\r\nUTF8 USER\r\nLANG\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 /);
  assert.match(await secure.ask('STLS'), /^-ERR /);
  await secure.ask('USER anna@office.test');
  assert.match(await secure.ask(`PASS ${PASSWORD}`), /^\+OK /);
});

test('a wrong password and an unknown name are the same [AUTH] error', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const pop3 = await room.connect('pop3');
  const answers = new Set<string>();
  for (const [name, password] of [
    ['anna@office.test', 'wrong'],
    ['nobody@office.test', PASSWORD],
  ]) {
    assert.match(await pop3.ask(`USER ${name}`), /^\+OK/);
    answers.add(await pop3.ask(`PASS ${password}`));
  }
  assert.equal(answers.size, 1);
  assert.match([...answers][0]!, /^-ERR \[AUTH\] /);
  assert.match(await pop3.ask(`PASS ${PASSWORD}`), /^-ERR USER comes first/);
});

test('a password may hold spaces and letters beyond ASCII', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const password = ' žluťoučký  kůň ';
  await room.directory.by('the test').accounts.setPassword('anna@office.test', password);
  const pop3 = await room.connect('pop3');
  await pop3.ask('USER anna@office.test');
  assert.match(await pop3.ask(`PASS ${Buffer.from(password).toString('latin1')}`), /^\+OK /);
});

test('AUTH signs in by PLAIN and SCRAM, and can be given up', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const plain = saslPlain('anna@office.test', PASSWORD);
  assert.match(await (await room.connect('pop3')).ask(`AUTH PLAIN ${plain}`), /^\+OK /);
  const pop3 = await room.connect('pop3');
  assert.equal(await pop3.lines('AUTH'), 'SCRAM-SHA-256\r\nPLAIN\r\nLOGIN\r\n');
  assert.equal(await pop3.ask('AUTH PLAIN'), '+ \r\n');
  assert.match(await pop3.ask('*'), /^-ERR /);
  assert.match(await pop3.ask('AUTH PLAIN ???'), /^-ERR /);
  assert.match(await pop3.ask('AUTH NONSENSE'), /^-ERR /);
  assert.match(await pop3.ask('AUTH PLAIN = ='), /^-ERR /);
  const scram = new ScramClient({ name: 'anna@office.test', password: PASSWORD });
  const challenge = (line: string): Buffer => Buffer.from(line.slice(2).trim(), 'base64');
  const first = await pop3.ask(`AUTH scram-sha-256 ${scram.first().toString('base64')}`);
  const final = await pop3.ask(scram.final(challenge(first)).toString('base64'));
  assert.equal(challenge(final).toString(), scram.serverFinal);
  assert.match(await pop3.ask(''), /^\+OK /);
});

test('an account has only so many connections', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], connectionsByAccount: 1 });
  await signIn(room);
  const second = await room.connect('pop3');
  await second.ask('USER anna@office.test');
  assert.match(await second.ask(`PASS ${PASSWORD}`), /^-ERR \[IN-USE\] /);
});

test('too many errors end the connection', async (t) => {
  const room = await mailRoom(t, { people: [], pop3: { errors: 3 } });
  const pop3 = await room.connect('pop3');
  pop3.send('WHAT\r\n'.repeat(10));
  const lines = (await pop3.untilEnd()).trimEnd().split('\r\n');
  assert.equal(lines.length, 4);
  assert.ok(lines.every((line) => line.startsWith('-ERR ')));
});

const MESSAGES = [
  'Subject: one\r\n\r\nA line.\r\n',
  'Subject: two\r\n\r\n.\r\n..\r\n.x\r\nnot . this\r\n',
  '.dot first\r\n\r\nno end of line',
  'Subject: bare\r\n\r\na\n.\nb\r.\r\n',
  '',
  '\r\n',
];

test('RETR sends each message as it is stored, with its dots; STAT, LIST and UIDL agree with it', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  for (const message of MESSAGES) await append(room, 'anna', message);
  const pop3 = await signIn(room);
  const sizes = MESSAGES.map((message) => message.length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.equal(await pop3.ask('STAT'), `+OK ${MESSAGES.length} ${total}\r\n`);
  assert.equal(await pop3.lines('LIST'), sizes.map((size, i) => `${i + 1} ${size}\r\n`).join(''));
  const ids = (await pop3.lines('UIDL')).trimEnd().split('\r\n');
  assert.equal(new Set(ids.map((line) => line.split(' ')[1])).size, MESSAGES.length);
  for (const [i, message] of MESSAGES.entries()) {
    assert.equal(await pop3.ask(`LIST ${i + 1}`), `+OK ${i + 1} ${sizes[i]}\r\n`);
    assert.equal(await pop3.ask(`UIDL ${i + 1}`), `+OK ${ids[i]}\r\n`);
    pop3.send(`RETR ${i + 1}\r\nNOOP\r\n`);
    const wire = await pop3.until('+OK Done\r\n');
    const stuffed = `\n${message}`.replaceAll('\n.', '\n..').slice(1);
    const end = message === '' || message.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n';
    assert.equal(wire, `+OK ${sizes[i]} octets\r\n${stuffed}${end}+OK Done\r\n`);
  }
});

for (const readsAhead of [true, false]) {
  const how = readsAhead ? '' : ', even when reading ahead fails';
  test(`messages come right in order, again, backwards and from the middle${how}`, async (t) => {
    const room = await mailRoom(t, {
      people: ['anna'],
      store: (store) => {
        if (!readsAhead) store.bodies.many = () => failing();
        return store;
      },
    });
    const messages = Array.from({ length: 50 }, (_, i) => `Subject: ${i}\r\n\r\n${'z'.repeat(i * 400)}\r\n`);
    for (const message of messages) await append(room, 'anna', message);
    const pop3 = await signIn(room);
    const forwards = messages.keys().toArray();
    for (const index of [...forwards, 49, 49, ...forwards.toReversed(), 20, 21, 22, 3, 4, 30]) {
      assert.equal(await pop3.lines(`RETR ${index + 1}`), messages[index]);
    }
  });
}

// biome-ignore lint/correctness/useYield: it fails before it yields
async function* failing(): AsyncGenerator<never> {
  throw new Error('nothing can be read ahead');
}

test('TOP sends the header and as many lines as are wanted', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await room.deliver('anna', 'Subject: x\n\none\n.two\n\nfour\n');
  const pop3 = await signIn(room);
  const whole = await pop3.lines('RETR 1');
  const header = whole.slice(0, whole.indexOf('\r\n\r\n') + 4);
  assert.match(header, /^Return-Path: .*\r\nDelivered-To: .*\r\nReceived: /);
  assert.equal(await pop3.lines('TOP 1 0'), header);
  assert.equal(await pop3.lines('TOP 1 2'), `${header}one\r\n.two\r\n`);
  assert.equal(await pop3.lines('TOP 1 1000000'), whole);
  for (const args of ['', '1', '1 -1', '1 1 1', 'x 1', '0 1', '2 1']) {
    assert.match(await pop3.ask(`TOP ${args}`), /^-ERR /, args);
  }
});

test('numbers that are none, or of no message, are refused', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], pop3: { errors: 100 } });
  await append(room, 'anna', 'Subject: x\r\n\r\n');
  const pop3 = await signIn(room);
  for (const command of ['LIST', 'UIDL', 'RETR', 'DELE']) {
    for (const number of ['0', '2', '-1', '1x', '1 2', '4294967297', '99999999999']) {
      assert.match(await pop3.ask(`${command} ${number}`), /^-ERR /, `${command} ${number}`);
    }
  }
  assert.match(await pop3.ask('RETR'), /^-ERR /);
  assert.match(await pop3.ask('DELE'), /^-ERR /);
  assert.equal(await pop3.ask('STAT'), '+OK 1 14\r\n');
});

test('DELE only marks, RSET takes the marks away, and QUIT removes what is marked', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  for (const name of ['one', 'two', 'three']) await append(room, 'anna', `Subject: ${name}\r\n\r\n`);
  const pop3 = await signIn(room);
  assert.match(await pop3.ask('DELE 1'), /^\+OK/);
  assert.match(await pop3.ask('DELE 1'), /^-ERR/);
  assert.match(await pop3.ask('RETR 1'), /^-ERR/);
  assert.match(await pop3.ask('LIST 1'), /^-ERR/);
  assert.match(await pop3.ask('UIDL 1'), /^-ERR/);
  assert.match(await pop3.ask('TOP 1 0'), /^-ERR/);
  assert.equal(await pop3.ask('STAT'), '+OK 2 34\r\n');
  assert.equal(await pop3.lines('LIST'), '2 16\r\n3 18\r\n');
  assert.equal((await pop3.lines('UIDL')).trimEnd().split('\r\n').length, 2);
  assert.equal(await pop3.ask('RSET'), '+OK 3 messages (50 octets)\r\n');
  assert.match(await pop3.ask('DELE 2'), /^\+OK/);
  assert.match(await pop3.ask('DELE 3'), /^\+OK/);
  assert.equal((await room.inbox('anna')).length, 3);
  assert.equal(await pop3.ask('QUIT'), '+OK Goodbye; 2 messages deleted\r\n');
  assert.deepEqual(await room.inbox('anna'), ['Subject: one\r\n\r\n']);
});

test('a connection that breaks has deleted nothing', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await append(room, 'anna', 'Subject: x\r\n\r\n');
  const pop3 = await signIn(room);
  await pop3.ask('DELE 1');
  pop3.socket.end();
  await pop3.untilEnd();
  assert.equal((await room.inbox('anna')).length, 1);
});

test('a session sees the list of its sign-in, whatever others do', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  for (const name of ['one', 'two']) await append(room, 'anna', `Subject: ${name}\r\n\r\n`);
  const [laptop, phone] = [await signIn(room), await signIn(room)];
  const ids = await laptop.lines('UIDL');
  await phone.ask('DELE 1');
  await phone.ask('QUIT');
  await append(room, 'anna', 'Subject: three\r\n\r\n');

  assert.equal(await laptop.ask('STAT'), '+OK 2 32\r\n');
  assert.equal(await laptop.lines('UIDL'), ids);
  assert.equal(await laptop.lines('RETR 2'), 'Subject: two\r\n\r\n');
  assert.match(await laptop.ask('LIST 3'), /^-ERR /);
  await laptop.ask('DELE 1');
  assert.match(await laptop.ask('QUIT'), /^\+OK /);
  assert.deepEqual(await room.inbox('anna'), ['Subject: two\r\n\r\n', 'Subject: three\r\n\r\n']);
});

test('ids stay the same from session to session and are never used again; an imported id is kept', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await append(room, 'anna', 'Subject: one\r\n\r\n', 'elsewhere:0042');
  await append(room, 'anna', 'Subject: two\r\n\r\n');
  const first = await signIn(room);
  const ids = await first.lines('UIDL');
  assert.match(ids, /^1 elsewhere:0042\r\n2 [!-~]{1,70}\r\n$/);
  await first.ask('DELE 2');
  await first.ask('QUIT');
  await append(room, 'anna', 'Subject: three\r\n\r\n');
  const again = await (await signIn(room)).lines('UIDL');
  assert.ok(again.startsWith('1 elsewhere:0042\r\n'));
  assert.notEqual(again, ids);
});

test('a pipeline in one write is answered in order', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await append(room, 'anna', 'Subject: x\r\n\r\nbody\r\n');
  const pop3 = await room.connect('pop3');
  pop3.send(`USER anna@office.test\r\nPASS ${PASSWORD}\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nNOOP\r\nQUIT\r\n`);
  assert.equal(
    await pop3.untilEnd(),
    '+OK Now the password\r\n+OK 1 messages (20 octets)\r\n+OK 1 20\r\n+OK 20 octets\r\nSubject: x\r\n\r\nbody\r\n.\r\n+OK Marked as deleted\r\n+OK Done\r\n+OK Goodbye; 1 messages deleted\r\n',
  );
  assert.deepEqual(await room.inbox('anna'), []);
});

test('byte by byte is the same', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  await append(room, 'anna', 'Subject: x\r\n\r\nbody\r\n');
  const pop3 = await room.connect('pop3');
  for (const byte of `user anna@office.test\r\npass ${PASSWORD}\r\nstat\r\nretr 1\nquit\r\n`) {
    pop3.send(byte);
    await new Promise((resolve) => setImmediate(resolve)); // lets the bytes go out one by one
  }
  assert.match(
    await pop3.untilEnd(),
    /\r\n\+OK 1 20\r\n\+OK 20 octets\r\nSubject: x\r\n\r\nbody\r\n\.\r\n\+OK Goodbye\r\n$/,
  );
});

test('a large message streams, with its dots, across any chunks', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const body = Array.from({ length: 60_000 }, (_, i) => `${'.'.repeat(i % 5)}line ${i} ${'y'.repeat(i % 60)}\r\n`).join(
    '',
  );
  const message = `Subject: large\r\n\r\n${body}last line`;
  await append(room, 'anna', message);
  const pop3 = await signIn(room);
  pop3.send('RETR 1\r\nTOP 1 2\r\nTOP 1 59999\r\n');
  const stuffed = message.replace(/^\./gm, '..');
  const whole = `+OK ${message.length} octets\r\n${stuffed}\r\n.\r\n`;
  assert.ok((await pop3.until(whole.slice(-100))) === whole); // equal would print it all
  assert.match(
    await pop3.until('\r\n.\r\n'),
    /^\+OK [^\r]*\r\nSubject: large\r\n\r\nline 0 \r\n\.\.line 1 y\r\n\.\r\n$/,
  );
  assert.match(await pop3.until('\r\n.\r\n'), /line 59998 y*\r\n\.\r\n$/);
});

test('lists of many messages come whole', async (t) => {
  const room = await mailRoom(t, { people: ['anna'] });
  const { id: account } = await room.directory.account('anna@office.test');
  const stage = room.store.stage(1_000);
  await stage.write(Buffer.from('Subject: one of many\r\n\r\n'));
  const staged = await stage.finish();
  const count = 2_500;
  const messages = Array.from({ length: count }, () => ({ staged, flags: flagsFrom([]) }));
  await room.store.append({ account, mailbox: INBOX }, messages);
  const pop3 = await signIn(room);
  await pop3.ask('DELE 1000');
  const listed = (await pop3.lines('LIST')).trimEnd().split('\r\n');
  assert.equal(listed.length, count - 1);
  assert.equal(listed.at(-1), `${count} 24`);
  const ids = new Set(
    (await pop3.lines('UIDL'))
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(' ')[1]),
  );
  assert.equal(ids.size, count - 1);
});

test('when the store cannot remove, QUIT says so and everything is still there', async (t) => {
  const room = await mailRoom(t, {
    people: ['anna'],
    store: (store) => {
      store.devices.delete = () => Promise.reject(new Error('the disk is on fire'));
      return store;
    },
  });
  await append(room, 'anna', 'Subject: x\r\n\r\n');
  const pop3 = await signIn(room);
  await pop3.ask('DELE 1');
  assert.match(await pop3.ask('QUIT'), /^-ERR \[SYS\/TEMP\] /);
  assert.match(String(room.faults.pop()), /on fire/);
  assert.equal((await room.inbox('anna')).length, 1);
});

test('a long random pipeline gets an answer to each line, whatever it says', async (t) => {
  const room = await mailRoom(t, { people: ['anna'], pop3: { errors: 1_000 } });
  // A fixed generator: a failure can be repeated.
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const words = [
    'STAT',
    'NOOP',
    'DELE',
    'RSET',
    'USER',
    'PASS',
    ' ',
    '1',
    '-',
    'LAST',
    '\0',
    '\xff',
    '.',
    'x'.repeat(300),
    'x'.repeat(6_000),
  ];
  for (let round = 0; round < 20; round += 1) {
    const lines = Array.from({ length: 40 }, () =>
      Array.from({ length: random(6) }, () => words[random(words.length)]).join(''),
    );
    const pop3 = await signIn(room);
    pop3.send(`${lines.join('\r\n')}\r\nQUIT\r\n`);
    const answers = (await pop3.untilEnd()).trimEnd().split('\r\n');
    assert.equal(answers.length, lines.length + 1, JSON.stringify(lines));
    assert.ok(answers.every((answer) => /^(?:\+OK|-ERR) /.test(answer)));
  }
});
