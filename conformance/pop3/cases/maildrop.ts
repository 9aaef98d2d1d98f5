/** RFC 1939 5 and 6, 8 to 11: what is done with messages, and when they go. */
import { type Case, NotApplicable } from '../case.ts';
import { isOk } from '../connection.ts';
import { equal, fails, ok, retrieve, same, says, stat, that } from '../expect.ts';
import { NotThere, quit } from '../ground.ts';
import { message, subjectOf } from '../messages.ts';

/** Subjects of what the maildrop holds, in its order. */
async function subjects(pop3: Parameters<typeof retrieve>[0], count: number): Promise<string[]> {
  const found: string[] = [];
  for (let number = 1; number <= count; number += 1) found.push(subjectOf(await retrieve(pop3, number)));
  return found;
}

export const maildrop: readonly Case[] = [
  {
    id: 'RFC1939-5-01',
    level: 'MUST',
    says: 'STAT: +OK, one space, number of messages, one space, octets, in decimal without anything before',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message());
      const answer = await says(pop3, 'STAT');
      that(/^\+OK 2 [1-9]\d*( .*)?$/.test(answer), `STAT was answered “${answer}”`);
    },
  },
  {
    id: 'RFC1939-5-02',
    level: 'SHOULD',
    says: 'STAT says nothing behind the size',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      const answer = await says(pop3, 'STAT');
      that(/^\+OK \d+ \d+$/.test(answer), `STAT was answered “${answer}”`);
    },
  },
  {
    id: 'RFC1939-5-03',
    level: 'MUST',
    says: 'an empty maildrop: STAT gives zeros, LIST an empty list after +OK',
    async run(ground) {
      const pop3 = await ground.maildrop();
      const { count, size } = await stat(pop3);
      equal(count, 0, 'messages');
      equal(size, 0, 'octets');
      same(await pop3.list('LIST'), [], 'LIST');
    },
  },
  {
    id: 'RFC1939-5-04',
    level: 'MUST',
    says: 'LIST: a scan listing for each message, number, one space, size; numbered from 1',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message(), message());
      const lines = await pop3.list('LIST');
      equal(lines.length, 3, 'lines');
      for (const [index, line] of lines.entries())
        that(new RegExp(`^${index + 1} [1-9]\\d*( .*)?$`).test(line), `a line is “${line}”`);
    },
  },
  {
    id: 'RFC1939-5-05',
    level: 'MUST',
    says: 'LIST with a number: the scan listing of that message in one line, the same as in the whole list',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message('Longer than the other one.\r\n'));
      const lines = await pop3.list('LIST');
      for (const [index, line] of lines.entries()) {
        equal(await says(pop3, `LIST ${index + 1}`), `+OK ${line}`, 'the line');
      }
    },
  },
  {
    id: 'RFC1939-5-06',
    level: 'SHOULD',
    says: 'a scan listing says nothing behind the size',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      for (const line of await pop3.list('LIST')) that(/^\d+ \d+$/.test(line), `a line is “${line}”`);
    },
  },
  {
    id: 'RFC1939-5-07',
    level: 'MUST',
    says: 'RETR gives the message whole, byte for byte',
    async run(ground) {
      const sent = message(`${'A line of text.\r\n'.repeat(500)}\t \r\n\r\n  \r\nlast line\r\n\r\n`);
      const pop3 = await ground.maildrop(sent);
      const received = await retrieve(pop3, 1);
      equal(received.slice(-sent.length), sent, 'the message without the trace lines before it');
    },
  },
  {
    id: 'RFC1939-5-08',
    level: 'MUST',
    says: 'RETR gives long lines and eight-bit text as they are',
    async run(ground) {
      const sent = message(`${'x'.repeat(990)}\r\n${Buffer.from('žluťoučký kůň').toString('latin1')}\r\n`);
      const pop3 = await ground.maildrop(sent);
      equal((await retrieve(pop3, 1)).slice(-sent.length), sent, 'the message');
    },
  },
  {
    id: 'RFC1939-5-09',
    level: 'MUST',
    says: 'DELE marks: the message is refused by RETR, DELE, LIST with its number, and left out of LIST and STAT',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message(), message());
      const before = await stat(pop3);
      const size = Number((await says(pop3, 'LIST 2')).split(' ')[2]);
      await says(pop3, 'DELE 2');
      for (const command of ['RETR 2', 'DELE 2', 'LIST 2']) await fails(pop3, command);
      const after = await stat(pop3);
      equal(after.count, 2, 'messages in STAT');
      equal(after.size, before.size - size, 'octets in STAT');
      const numbers = (await pop3.list('LIST')).map((line) => line.split(' ')[0]!);
      same(numbers, ['1', '3'], 'numbers in LIST: those of other messages stay as they are');
    },
  },
  {
    id: 'RFC1939-5-10',
    level: 'MUST',
    says: 'NOOP is answered by +OK and changes nothing',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      await says(pop3, 'NOOP');
      equal((await stat(pop3)).count, 1, 'messages');
    },
  },
  {
    id: 'RFC1939-5-11',
    level: 'MUST',
    says: 'RSET takes the marks away',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message());
      await says(pop3, 'DELE 1');
      await says(pop3, 'DELE 2');
      equal((await stat(pop3)).count, 0, 'messages while marked');
      await says(pop3, 'RSET');
      equal((await stat(pop3)).count, 2, 'messages after RSET');
      await says(pop3, 'LIST 1');
      await quit(pop3);
      equal((await stat(await ground.signIn())).count, 2, 'messages after QUIT');
    },
  },
  {
    id: 'RFC1939-5-12',
    level: 'MUST',
    says: 'numbers are fixed for the session: what arrives meanwhile is not seen before the next one',
    async run(ground) {
      const { deliver } = await import('../deliver.ts');
      const pop3 = await ground.maildrop(message(), message());
      const before = await subjects(pop3, 2);
      await deliver(ground.target.delivery, message());
      await says(pop3, 'NOOP');
      equal((await stat(pop3)).count, 2, 'messages in STAT');
      equal((await pop3.list('LIST')).length, 2, 'lines in LIST');
      same(await subjects(pop3, 2), before, 'the messages');
    },
  },
  {
    id: 'RFC1939-6-01',
    level: 'MUST',
    says: 'QUIT removes what was marked and nothing else',
    async run(ground) {
      const messages = [message(), message(), message(), message()];
      const pop3 = await ground.maildrop(...messages);
      await says(pop3, 'DELE 1');
      await says(pop3, 'DELE 3');
      ok(await quit(pop3), 'QUIT');
      const next = await ground.signIn();
      equal((await stat(next)).count, 2, 'messages');
      same(await subjects(next, 2), [subjectOf(messages[1]!), subjectOf(messages[3]!)], 'what is left');
    },
  },
  {
    id: 'RFC1939-6-02',
    level: 'MUST',
    says: 'a session that ends without QUIT removes nothing',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message());
      await says(pop3, 'DELE 1');
      await says(pop3, 'RETR 2');
      await pop3.lines();
      await says(pop3, 'DELE 2');
      await pop3.break();
      equal((await stat(await signInAgain(ground))).count, 2, 'messages');
    },
  },
  {
    id: 'RFC1939-6-03',
    level: 'MUST',
    says: 'a QUIT whose line never came whole removes nothing',
    async run(ground) {
      for (const part of ['Q', 'QU', 'QUIT']) {
        const pop3 = await ground.maildrop(message());
        await says(pop3, 'DELE 1');
        pop3.raw(part);
        await pop3.break();
        equal((await stat(await signInAgain(ground))).count, 1, `messages after a connection that broke at “${part}”`);
        await ground.leave();
      }
    },
  },
  {
    id: 'RFC1939-6-04',
    level: 'MUST',
    says: 'after QUIT the server closes the connection',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      ok(await pop3.ask('QUIT'), 'QUIT');
      equal(await pop3.end(), '', 'what is said after the answer to QUIT');
    },
  },
  {
    id: 'RFC1939-6-05',
    level: 'MUST',
    says: 'after QUIT or a broken connection the maildrop can be opened again',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      await quit(pop3);
      const again = await ground.signIn();
      await again.break();
      that(!(await signInAgain(ground)).ended, 'the maildrop stays locked');
    },
  },
  {
    id: 'RFC1939-11-01',
    level: 'MUST',
    says: 'the size is that of the message with CRLF line ends, dots not counted twice',
    async run(ground) {
      const pop3 = await ground.maildrop(message('.\r\n..\r\n.three\r\n'), message('x\r\n'.repeat(1_000)));
      for (const number of [1, 2]) {
        const size = Number((await says(pop3, `LIST ${number}`)).split(' ')[2]);
        equal(size, (await retrieve(pop3, number)).length, `the size of message ${number}`);
      }
    },
  },
  {
    id: 'RFC1939-7-10',
    level: 'MUST',
    says: 'TOP gives the header, the blank line and so many lines of the body',
    capability: 'TOP',
    async run(ground) {
      const sent = message('one\r\ntwo\r\n.three\r\nfour\r\n');
      const pop3 = await ground.maildrop(sent);
      const whole = (await retrieve(pop3, 1)).split('\r\n');
      const blank = whole.indexOf('');
      for (const lines of [0, 1, 3]) {
        same(await pop3.list(`TOP 1 ${lines}`), whole.slice(0, blank + 1 + lines), `TOP 1 ${lines}`);
      }
    },
  },
  {
    id: 'RFC1939-7-11',
    level: 'MUST',
    says: 'TOP for more lines than there are gives the whole message',
    capability: 'TOP',
    async run(ground) {
      const pop3 = await ground.maildrop(message('one\r\ntwo\r\n'));
      const whole = await retrieve(pop3, 1);
      equal((await pop3.list('TOP 1 1000')).map((line) => `${line}\r\n`).join(''), whole, 'TOP 1 1000');
    },
  },
  {
    id: 'RFC1939-7-12',
    level: 'MUST',
    says: 'TOP needs two numbers that are not negative, and a message that is not marked',
    capability: 'TOP',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      for (const command of ['TOP', 'TOP 1', 'TOP 1 -1', 'TOP 1 x', 'TOP x 1', 'TOP 2 0']) await fails(pop3, command);
      await says(pop3, 'DELE 1');
      await fails(pop3, 'TOP 1 0');
    },
  },
  {
    id: 'RFC1939-7-20',
    level: 'MUST',
    says: 'UIDL: number, one space, and an id of 1 to 70 printable octets, for each message',
    capability: 'UIDL',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message(), message());
      const lines = await pop3.list('UIDL');
      equal(lines.length, 3, 'lines');
      for (const [index, line] of lines.entries())
        that(new RegExp(`^${index + 1} [\\x21-\\x7e]{1,70}$`).test(line), `a line is “${line}”`);
      for (const [index, line] of lines.entries())
        equal(await says(pop3, `UIDL ${index + 1}`), `+OK ${line}`, 'UIDL of one');
    },
  },
  {
    id: 'RFC1939-7-21',
    level: 'MUST',
    says: 'ids differ within a maildrop, also for messages with the same bytes',
    capability: 'UIDL',
    async run(ground) {
      const twin = message();
      const pop3 = await ground.maildrop(twin, twin, message()).catch((error: unknown) => {
        throw error instanceof NotThere ? new NotApplicable('of two equal messages the server keeps one') : error;
      });
      const ids = (await pop3.list('UIDL')).map((line) => line.split(' ')[1]);
      equal(new Set(ids).size, 3, 'different ids');
    },
  },
  {
    id: 'RFC1939-7-22',
    level: 'MUST',
    says: 'an id stays the same from session to session, also after one that broke, and when messages before it go',
    capability: 'UIDL',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message(), message());
      const ids = (await pop3.list('UIDL')).map((line) => line.split(' ')[1]!);
      await pop3.break();
      const second = await signInAgain(ground);
      same(
        (await second.list('UIDL')).map((line) => line.split(' ')[1]!),
        ids,
        'ids after a broken session',
      );
      await says(second, 'DELE 1');
      await quit(second);
      const third = await ground.signIn();
      same(
        (await third.list('UIDL')).map((line) => line.split(' ')[1]!),
        ids.slice(1),
        'ids after one was deleted',
      );
    },
  },
  {
    id: 'RFC1939-7-23',
    level: 'SHOULD',
    says: 'an id is never given again to another message',
    capability: 'UIDL',
    async run(ground) {
      const { deliver } = await import('../deliver.ts');
      const pop3 = await ground.maildrop(message(), message());
      const ids = (await pop3.list('UIDL')).map((line) => line.split(' ')[1]);
      await quit(pop3);
      await ground.empty();
      await deliver(ground.target.delivery, message());
      const next = await ground.signIn();
      const [line = ''] = await next.list('UIDL');
      that(!ids.includes(line.split(' ')[1]), `${line} had been the id of another message`);
    },
  },
  {
    id: 'RFC1939-7-24',
    level: 'MUST',
    says: 'UIDL leaves out marked messages, and is refused for one of them',
    capability: 'UIDL',
    async run(ground) {
      const pop3 = await ground.maildrop(message(), message());
      await says(pop3, 'DELE 1');
      await fails(pop3, 'UIDL 1');
      same(
        (await pop3.list('UIDL')).map((line) => line.split(' ')[0]!),
        ['2'],
        'numbers',
      );
    },
  },
  {
    id: 'RFC1939-8-01',
    level: 'SHOULD',
    says: 'RETR does not remove a message by itself',
    async run(ground) {
      const pop3 = await ground.maildrop(message());
      await retrieve(pop3, 1);
      await quit(pop3);
      equal((await stat(await ground.signIn())).count, 1, 'messages after RETR and QUIT');
    },
  },
];

/** A server that locks the maildrop may need a moment to see that a connection broke. */
async function signInAgain(ground: Parameters<Case['run']>[0]): Promise<Parameters<typeof retrieve>[0]> {
  for (const giveUpAt = Date.now() + 10_000; ; ) {
    const connection = await ground.secured();
    ok(await connection.ask(`USER ${ground.target.user}`), 'USER');
    const answer = await connection.ask(`PASS ${ground.target.password}`);
    if (isOk(answer)) return connection;
    await connection.break();
    if (Date.now() > giveUpAt) ok(answer, 'PASS after a broken connection');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
