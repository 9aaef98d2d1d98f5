/** RFC 2449 (CAPA and what came with it), RFC 3206 (response codes). */
import { type Case, NotApplicable } from '../case.ts';
import { isOk } from '../connection.ts';
import { equal, fails, ok, refused, retrieve, says, that } from '../expect.ts';
import { capabilities } from '../ground.ts';
import { message } from '../messages.ts';

export const extensions: readonly Case[] = [
  {
    id: 'RFC2449-5-01',
    level: 'MUST',
    says: 'CAPA works before sign-in and after it, as a multi-line response',
    async run(ground) {
      const pop3 = await ground.maildrop();
      await pop3.list('CAPA');
      await (await ground.connect()).list('CAPA');
    },
  },
  {
    id: 'RFC2449-5-02',
    level: 'MUST',
    says: 'a capability is a line of printable ASCII, words separated by single spaces, at most 510 octets',
    async run(ground) {
      const pop3 = await ground.connect();
      for (const line of await pop3.list('CAPA')) {
        that(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(line) && line.length <= 510, `a line is “${line}”`);
      }
    },
  },
  {
    id: 'RFC2449-5-03',
    level: 'MUST',
    says: 'CAPA with an argument is refused',
    async run(ground) {
      await fails(await ground.connect(), 'CAPA x');
    },
  },
  {
    id: 'RFC2449-5-04',
    level: 'MUST',
    says: 'what is announced before sign-in for the time after it is announced after it too',
    async run(ground) {
      const before = await capabilities(await ground.secured());
      const after = await capabilities(await ground.signIn());
      for (const name of ['TOP', 'UIDL', 'RESP-CODES', 'PIPELINING', 'EXPIRE', 'LOGIN-DELAY', 'AUTH-RESP-CODE']) {
        if (before.has(name)) that(after.has(name), `${name} is announced before sign-in and not after it`);
      }
    },
  },
  {
    id: 'RFC2449-4-01',
    level: 'MUST',
    says: 'a command line of 255 octets is understood',
    async run(ground) {
      const pop3 = await ground.secured();
      // Nobody has that name: a server may say so at once.
      const answer = await pop3.ask(`USER ${'x'.repeat(255 - 'USER \r\n'.length)}`);
      that(isOk(answer) || answer.startsWith('-ERR [AUTH] '), `it was answered “${answer}”`);
      await says(pop3, 'QUIT');
    },
  },
  {
    id: 'RFC2449-4-02',
    level: 'MUST',
    says: 'a line far too long is refused or ends the connection, and is never taken for several commands',
    async run(ground) {
      const pop3 = await ground.connect();
      pop3.raw(`XYZZY ${'NOOP '.repeat(20_000)}\r\nQUIT\r\n`);
      const said = await pop3.end();
      that((said.match(/^-ERR/gm) ?? []).length <= 1, `it was answered: ${said}`);
    },
  },
  {
    id: 'RFC2449-6.1-01',
    level: 'MUST',
    says: 'TOP works where it is announced',
    capability: 'TOP',
    async run(ground) {
      await (await ground.maildrop(message())).list('TOP 1 0');
    },
  },
  {
    id: 'RFC2449-6.2-01',
    level: 'MUST',
    says: 'USER and PASS work where USER is announced, and are refused where it is not',
    async run(ground) {
      const pop3 = await ground.connect();
      const announced = (await capabilities(pop3)).has('USER');
      ok(await (await ground.secured()).ask(`USER ${ground.target.user}`), 'USER on the secured connection');
      if (announced) ok(await pop3.ask(`USER ${ground.target.user}`), 'USER, which is announced');
      else refused(await pop3.ask(`USER ${ground.target.user}`), 'USER, which is not announced');
    },
  },
  {
    id: 'RFC2449-6.4-01',
    level: 'MUST',
    says: 'where RESP-CODES is announced, only response codes stand in square brackets at the beginning of an -ERR',
    capability: 'RESP-CODES',
    async run(ground) {
      const pop3 = await ground.maildrop();
      for (const command of ['XYZZY', 'RETR 1', '[AUTH]', 'DELE [IN-USE]']) {
        const answer = await fails(pop3, command);
        that(/^-ERR( (?!\[)| \[[A-Z/-]+\] |$)/.test(answer), `“${command}” was answered “${answer}”`);
      }
    },
  },
  {
    id: 'RFC2449-6.5-01',
    level: 'MUST',
    says: 'where LOGIN-DELAY is announced it has a number of seconds',
    capability: 'LOGIN-DELAY',
    async run(ground) {
      const args = (await capabilities(await ground.signIn())).get('LOGIN-DELAY') ?? [];
      that(/^\d+( USER)?$/.test(args.join(' ')), `LOGIN-DELAY ${args.join(' ')}`);
    },
  },
  {
    id: 'RFC2449-6.6-01',
    level: 'MUST',
    says: 'commands sent together are answered in order, each once',
    capability: 'PIPELINING',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message());
      pop3.raw('NOOP\r\nXYZZY\r\nLIST 1\r\nRETR 1\r\nSTAT\r\nDELE 2\r\nSTAT\r\nRSET\r\n');
      ok(await pop3.line(), 'NOOP');
      refused(await pop3.line(), 'XYZZY');
      const size = ok(await pop3.line(), 'LIST 1').split(' ')[2];
      ok(await pop3.line(), 'RETR 1');
      const lines = await pop3.lines();
      equal(String(lines.join('\r\n').length + 2), size, 'octets of RETR');
      that((await pop3.line()).startsWith('+OK 2 '), 'STAT is not answered in its turn');
      ok(await pop3.line(), 'DELE 2');
      that((await pop3.line()).startsWith('+OK 1 '), 'the second STAT is not answered in its turn');
      ok(await pop3.line(), 'RSET');
    },
  },
  {
    id: 'RFC2449-6.6-02',
    level: 'MUST',
    says: 'a pipeline that begins with the sign-in and ends with QUIT is carried out whole',
    capability: 'PIPELINING',
    async run(ground) {
      await ground.fill(message());
      const pop3 = await ground.secured();
      const { user, password } = ground.target;
      pop3.raw(`USER ${user}\r\n`);
      ok(await pop3.line(), 'USER');
      pop3.raw(`PASS ${password}\r\nSTAT\r\nDELE 1\r\nQUIT\r\n`);
      for (const command of ['PASS', 'STAT', 'DELE', 'QUIT']) ok(await pop3.line(), command);
      await pop3.end();
      that((await says(await ground.signIn(), 'STAT')).startsWith('+OK 0 '), 'the message is still there');
    },
  },
  {
    id: 'RFC2449-6.6-03',
    level: 'MUST',
    says: 'a thousand commands sent together are answered',
    capability: 'PIPELINING',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      pop3.raw('RETR 1\r\n'.repeat(1_000));
      for (let count = 0; count < 1_000; count += 1) {
        ok(await pop3.line(), 'RETR 1');
        await pop3.lines();
      }
    },
  },
  {
    id: 'RFC2449-6.7-01',
    level: 'MUST',
    says: 'where EXPIRE is announced it has NEVER or a number of days; what expires at once is no promise to keep',
    capability: 'EXPIRE',
    async run(ground) {
      const args = (await capabilities(await ground.signIn())).get('EXPIRE') ?? [];
      that(/^(NEVER|\d+)( USER)?$/.test(args.join(' ')), `EXPIRE ${args.join(' ')}`);
      if (args[0] === '0') throw new NotApplicable('messages expire when they were retrieved');
      const pop3 = await ground.maildrop(message());
      await retrieve(pop3, 1);
      await pop3.ask('QUIT');
      that((await says(await ground.signIn(), 'STAT')).startsWith('+OK 1 '), 'a retrieved message was removed');
    },
  },
  {
    id: 'RFC2449-6.8-01',
    level: 'MUST',
    says: 'UIDL works where it is announced',
    capability: 'UIDL',
    async run(ground) {
      await (await ground.maildrop(message())).list('UIDL');
    },
  },
  {
    id: 'RFC2449-6.9-01',
    level: 'SHOULD',
    says: 'IMPLEMENTATION, where it is announced, says something',
    async run(ground) {
      const args = (await capabilities(await ground.signIn())).get('IMPLEMENTATION');
      if (args === undefined) throw new NotApplicable('IMPLEMENTATION is not announced');
      that(args.length > 0, 'IMPLEMENTATION has no argument');
    },
  },
  {
    id: 'RFC2449-8.1.2-01',
    level: 'MUST',
    says: 'a second session of the same person is served, or refused with [IN-USE] after the right password',
    capability: 'RESP-CODES',
    async run(ground) {
      await ground.maildrop(message());
      const second = await ground.secured();
      ok(await second.ask(`USER ${ground.target.user}`), 'USER');
      const answer = await second.ask(`PASS ${ground.target.password}`);
      if (!isOk(answer)) that(answer.startsWith('-ERR [IN-USE] '), `it was answered “${answer}”`);
    },
  },
  {
    id: 'RFC3206-4-01',
    level: 'MUST',
    says: 'where AUTH-RESP-CODE is announced a wrong password is refused with [AUTH]',
    capability: 'AUTH-RESP-CODE',
    async run(ground) {
      const pop3 = await ground.secured();
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER');
      const answer = await pop3.ask('PASS certainly-not-it');
      that(answer.startsWith('-ERR [AUTH] '), `it was answered “${answer}”`);
    },
  },
];
