/** RFC 1939 3: commands, responses, and states. */
import type { Case } from '../case.ts';
import { Failed, isErr } from '../connection.ts';
import { equal, fails, ok, refused, says, that } from '../expect.ts';
import { message } from '../messages.ts';

export const basics: readonly Case[] = [
  {
    id: 'RFC1939-3-01',
    level: 'MUST',
    says: 'keywords are case-insensitive',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      for (const command of ['stat', 'StAt', 'nOOp', 'list 1']) await says(pop3, command);
      await pop3.list('uIdL').catch((error: unknown) => {
        if (!(error instanceof Failed)) throw error; // UIDL is optional
      });
    },
  },
  {
    id: 'RFC1939-3-02',
    level: 'MUST',
    says: 'the status indicators are +OK and -ERR, in upper case, also after a keyword in lower case',
    async run(ground) {
      const pop3 = await ground.connect();
      const answers = [await pop3.ask('xyzzy'), await pop3.ask('user'), await pop3.ask('quit')];
      for (const answer of answers) that(/^(\+OK|-ERR)( |$)/.test(answer), `the response is “${answer}”`);
    },
  },
  {
    id: 'RFC1939-3-03',
    level: 'MUST',
    says: 'a response line is at most 512 octets with its CRLF, even to the longest command',
    async run(ground) {
      const pop3 = await ground.connect();
      for (const command of [`XYZZY ${'x'.repeat(246)}`, `USER ${'x'.repeat(240)}`]) {
        const answer = await pop3.ask(command);
        that(answer.length + 2 <= 512, `a response line has ${answer.length + 2} octets`);
      }
    },
  },
  {
    id: 'RFC1939-3-04',
    level: 'MUST',
    says: 'an unrecognised command is answered by -ERR, and the session goes on',
    async run(ground) {
      const pop3 = await ground.connect();
      await fails(pop3, 'XYZZY');
      await fails(pop3, 'RETRIEVE 1');
      await says(pop3, 'QUIT');
    },
  },
  {
    id: 'RFC1939-3-05',
    level: 'MUST',
    says: 'an empty line is answered by -ERR',
    async run(ground) {
      const pop3 = await ground.connect();
      await fails(pop3, '');
      await says(pop3, 'QUIT');
    },
  },
  {
    id: 'RFC1939-3-06',
    level: 'MUST',
    says: 'a command with syntactically invalid arguments is answered by -ERR, and the session goes on',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      const commands = ['RETR', 'RETR x', 'RETR -1', 'RETR 1 2', 'DELE', 'DELE one', 'LIST x', 'LIST 1x', 'RETR 1;2'];
      for (const command of commands) await fails(pop3, command);
      for (const number of ['0', '2', '4294967297', '18446744073709551617']) await fails(pop3, `RETR ${number}`);
      await says(pop3, 'NOOP');
    },
  },
  {
    id: 'RFC1939-3-07',
    level: 'MUST',
    says: 'commands of the TRANSACTION state are refused before sign-in',
    async run(ground) {
      await ground.fill(message());
      // A connection each: a server may give up on a client that errs again and again.
      for (const command of ['STAT', 'LIST', 'LIST 1', 'RETR 1', 'DELE 1', 'NOOP', 'RSET', 'UIDL', 'TOP 1 0']) {
        const pop3 = await ground.secured();
        await fails(pop3, command);
        await says(pop3, 'QUIT');
      }
      const signedIn = await ground.signIn();
      equal((await says(signedIn, 'STAT')).split(' ')[1], '1', 'messages after a refused DELE');
    },
  },
  {
    id: 'RFC1939-3-08',
    level: 'MUST',
    says: 'commands of the AUTHORIZATION state are refused after sign-in',
    async run(ground) {
      const pop3 = await ground.maildrop();
      await fails(pop3, `USER ${ground.target.user}`);
      await fails(pop3, 'PASS x');
      await says(pop3, 'STAT');
    },
  },
  {
    id: 'RFC1939-3-09',
    level: 'MUST',
    says: 'a multi-line response ends with a line that is a dot alone; lines that begin with a dot get another',
    async run(ground) {
      const body = '.\r\n..\r\n.x\r\nin . the middle.\r\n...\r\n.';
      const sent = message(`${body}\r\n`);
      const pop3 = await ground.maildrop(sent);
      await says(pop3, 'RETR 1');
      const raw: string[] = [];
      for (let line = await pop3.line(); line !== '.'; line = await pop3.line()) raw.push(line);
      const stuffed = body.split('\r\n').map((line) => (line.startsWith('.') ? `.${line}` : line));
      equal(raw.slice(-stuffed.length).join('\n'), stuffed.join('\n'), 'the lines on the wire');
      await says(pop3, 'NOOP');
    },
  },
  {
    id: 'RFC1939-3-12',
    level: 'MUST',
    says: 'a command without arguments is refused with one',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      for (const command of ['STAT 1', 'NOOP 1', 'RSET 1', 'QUIT now']) await fails(pop3, command);
      await says(pop3, 'STAT');
    },
  },
  {
    id: 'RFC1939-3-10',
    level: 'MUST',
    says: 'commands that come one byte at a time are understood',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      for (const byte of 'LIST 1\r\n') pop3.raw(byte);
      ok(await pop3.line(), 'LIST 1, byte by byte');
    },
  },
  {
    id: 'RFC1939-3-11',
    level: 'MUST',
    says: 'an early, unknown or wrong command does not cost the session: many of them in a row are each answered',
    async run(ground) {
      const pop3 = await ground.maildrop();
      for (let count = 1; count <= 5; count += 1) {
        const answer = await pop3.ask(`RETR ${count}`);
        that(isErr(answer), `RETR in an empty maildrop was answered “${answer}”`);
      }
      await says(pop3, 'NOOP');
    },
  },
  {
    id: 'RFC1939-4-01',
    level: 'MUST',
    says: 'the greeting is one line that begins with +OK',
    async run(ground) {
      const pop3 = await ground.connect(); // hears the greeting
      that(!(await pop3.saysMoreWithin(300)), 'the server says more than one line as its greeting');
    },
  },
  {
    id: 'RFC1939-4-02',
    level: 'MUST',
    says: 'QUIT before sign-in is answered by +OK, and the server closes',
    async run(ground) {
      const pop3 = await ground.connect();
      ok(await pop3.ask('QUIT'), 'QUIT');
      equal(await pop3.end(), '', 'what is said after the answer to QUIT');
    },
  },
  {
    id: 'RFC1939-4-03',
    level: 'MUST',
    says: 'a wrong password is refused, and what was wrong can be said again right',
    async run(ground) {
      const pop3 = await ground.secured();
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER');
      refused(await pop3.ask('PASS certainly-not-it'), 'a wrong password');
      if (pop3.ended) return; // RFC 1939 4: it may close
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER after a wrong password');
      ok(await pop3.ask(`PASS ${ground.target.password}`), 'PASS after a wrong password');
    },
  },
  {
    id: 'RFC1939-7-01',
    level: 'MUST',
    says: 'PASS is refused without a USER that succeeded just before',
    async run(ground) {
      const pop3 = await ground.secured();
      await fails(pop3, `PASS ${ground.target.password}`);
    },
  },
  {
    id: 'RFC1939-7-02',
    level: 'MUST',
    says: 'an unknown name is not told from a wrong password (RFC 1939 13)',
    async run(ground) {
      const answers: string[] = [];
      for (const user of [ground.target.user, `nobody-${process.pid}`]) {
        const pop3 = await ground.secured();
        const name = await pop3.ask(`USER ${user}`);
        answers.push(`${name.slice(0, 4)} ${await pop3.ask('PASS certainly-not-it')}`.replaceAll(user, 'NAME'));
        await pop3.break();
      }
      equal(answers[1], answers[0], 'the answers to an unknown name');
    },
  },
];
