/** RFC 2595 (STLS), RFC 8314 (implicit TLS), RFC 5034 (AUTH), RFC 6856 (UTF8 and LANG). */
import { type Case, NotApplicable } from '../case.ts';
import { isOk } from '../connection.ts';
import { equal, fails, ok, refused, retrieve, says, that } from '../expect.ts';
import { capabilities, type Ground } from '../ground.ts';
import { message } from '../messages.ts';

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** PLAIN's message (RFC 4616). */
function plain({ target }: Ground, password = target.password): string {
  return base64(`\0${target.user}\0${password}`);
}

export const security: readonly Case[] = [
  {
    id: 'RFC2595-4-01',
    level: 'MUST',
    says: 'STLS is agreed to with +OK, and TLS follows; the session is in the AUTHORIZATION state',
    capability: 'STLS',
    needsPlain: true,
    async run(ground) {
      const pop3 = await ground.connect();
      await says(pop3, 'STLS');
      await pop3.startTls();
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER under TLS');
      ok(await pop3.ask(`PASS ${ground.target.password}`), 'PASS under TLS');
    },
  },
  {
    id: 'RFC2595-4-02',
    level: 'MUST',
    says: 'STLS under TLS is refused, and not announced',
    capability: 'STLS',
    needsPlain: true,
    async run(ground) {
      const pop3 = await ground.connect();
      await says(pop3, 'STLS');
      await pop3.startTls();
      await fails(pop3, 'STLS');
      that(!(await capabilities(pop3)).has('STLS'), 'STLS is announced under TLS');
    },
  },
  {
    id: 'RFC2595-4-03',
    level: 'MUST',
    says: 'what was said before TLS is forgotten: PASS needs a new USER',
    capability: 'STLS',
    needsPlain: true,
    async run(ground) {
      const pop3 = await ground.connect();
      await pop3.ask(`USER ${ground.target.user}`);
      await says(pop3, 'STLS');
      await pop3.startTls();
      await fails(pop3, `PASS ${ground.target.password}`);
    },
  },
  {
    id: 'RFC2595-4-04',
    level: 'MUST',
    says: 'what follows STLS in plain text is never carried out (injection)',
    capability: 'STLS',
    needsPlain: true,
    async run(ground) {
      const pop3 = await ground.connect();
      pop3.raw('STLS\r\nXYZZY\r\nXYZZY\r\n');
      ok(await pop3.line(), 'STLS');
      await pop3.startTls().catch(() => {
        throw new NotApplicable('the server gave the connection up, which is safe');
      });
      that(!(await pop3.saysMoreWithin(500)), 'a command from before TLS was answered under TLS');
    },
  },
  {
    id: 'RFC2595-4-05',
    level: 'MUST',
    says: 'STLS after sign-in is refused',
    capability: 'STLS',
    async run(ground) {
      await fails(await ground.maildrop(), 'STLS');
    },
  },
  {
    id: 'RFC8314-3.2-01',
    level: 'SHOULD',
    says: 'TLS from the first byte is offered, on a port of its own',
    async run(ground) {
      const { implicit } = ground.target;
      if (implicit === undefined) throw new NotApplicable('no port for it was named');
      const pop3 = await ground.connectTo(implicit);
      ok(await pop3.line(), 'the connection');
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER');
      ok(await pop3.ask(`PASS ${ground.target.password}`), 'PASS');
    },
  },
  {
    id: 'RFC5034-4-01',
    level: 'MUST',
    says: 'AUTH PLAIN with an initial response signs in',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      ok(await pop3.ask(`AUTH PLAIN ${plain(ground)}`), 'AUTH PLAIN');
      await says(pop3, 'STAT');
    },
  },
  {
    id: 'RFC5034-4-02',
    level: 'MUST',
    says: 'AUTH PLAIN without an initial response asks by “+ ” and signs in',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      equal(await pop3.ask('AUTH PLAIN'), '+ ', 'the challenge');
      ok(await pop3.ask(plain(ground)), 'the response');
      await says(pop3, 'STAT');
    },
  },
  {
    id: 'RFC5034-4-03',
    level: 'MUST',
    says: 'a line with an asterisk gives the exchange up; the session goes on',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      await pop3.ask('AUTH PLAIN');
      refused(await pop3.ask('*'), 'the asterisk');
      ok(await pop3.ask(`AUTH PLAIN ${plain(ground)}`), 'AUTH PLAIN after that');
    },
  },
  {
    id: 'RFC5034-4-04',
    level: 'MUST',
    says: 'a response that is not Base64 is refused; the session goes on',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      await fails(pop3, 'AUTH PLAIN ???');
      await pop3.ask('AUTH PLAIN');
      refused(await pop3.ask('not base64 at all'), 'the response');
      ok(await pop3.ask(`AUTH PLAIN ${plain(ground)}`), 'AUTH PLAIN after that');
    },
  },
  {
    id: 'RFC5034-4-05',
    level: 'MUST',
    says: 'an unknown mechanism is refused',
    capability: 'SASL',
    async run(ground) {
      await fails(await ground.secured(), 'AUTH XYZZY');
    },
  },
  {
    id: 'RFC5034-4-06',
    level: 'MUST',
    says: 'AUTH after sign-in is refused',
    capability: 'SASL',
    async run(ground) {
      await fails(await ground.maildrop(), `AUTH PLAIN ${plain(ground)}`);
    },
  },
  {
    id: 'RFC5034-4-07',
    level: 'MUST',
    says: 'a wrong password is refused, with nothing said of which was wrong',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      const wrong = await fails(pop3, `AUTH PLAIN ${plain(ground, 'certainly-not-it')}`);
      const unknown = await (await ground.secured()).ask(`AUTH PLAIN ${base64('\0nobody-at-all\0certainly-not-it')}`);
      equal(refused(unknown, 'an unknown name'), wrong, 'the answer to an unknown name');
    },
  },
  {
    id: 'RFC5034-4-08',
    level: 'MUST',
    says: 'an empty initial response is written as =',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await ground.secured();
      await fails(pop3, 'AUTH PLAIN =');
      await says(pop3, 'QUIT');
    },
  },
  {
    id: 'RFC5034-4-09',
    level: 'MUST',
    says: 'a mechanism is known in any case',
    capability: 'SASL',
    async run(ground) {
      ok(await (await ground.secured()).ask(`auth plain ${plain(ground)}`), 'auth plain');
    },
  },
  {
    id: 'RFC5034-6-01',
    level: 'MUST',
    says: 'PLAIN is offered under TLS',
    async run(ground) {
      const { implicit, plain: address } = ground.target;
      const pop3 = await ground.connectTo((implicit ?? address)!);
      await pop3.line();
      if (implicit === undefined) {
        if (!isOk(await pop3.ask('STLS'))) throw new NotApplicable('there is no TLS');
        await pop3.startTls();
      }
      const mechanisms = (await capabilities(pop3)).get('SASL');
      if (mechanisms === undefined) throw new NotApplicable('SASL is not announced');
      that(mechanisms.includes('PLAIN'), `SASL ${mechanisms.join(' ')}`);
    },
  },
  {
    id: 'RFC6856-2-01',
    level: 'MUST',
    says: 'UTF8 is agreed to before sign-in, and refused with an argument',
    capability: 'UTF8',
    async run(ground) {
      const pop3 = await ground.secured();
      await fails(pop3, 'UTF8 x');
      await says(pop3, 'UTF8');
      ok(await pop3.ask(`USER ${ground.target.user}`), 'USER');
      ok(await pop3.ask(`PASS ${ground.target.password}`), 'PASS');
    },
  },
  {
    id: 'RFC6856-2-02',
    level: 'MUST',
    says: 'after UTF8 a message with UTF-8 in its header is given as it is, with its exact size',
    capability: 'UTF8',
    async run(ground) {
      const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
      const sent = message('Hello.\r\n', utf8('X-Name: žluťoučký kůň\r\n'));
      await ground.fill(sent);
      const pop3 = await ground.secured();
      await says(pop3, 'UTF8');
      await pop3.ask(`USER ${ground.target.user}`);
      ok(await pop3.ask(`PASS ${ground.target.password}`), 'PASS');
      const received = await retrieve(pop3, 1);
      equal(received.slice(-sent.length), sent, 'the message');
      equal((await says(pop3, 'LIST 1')).split(' ')[2], String(received.length), 'the size');
    },
  },
  {
    id: 'RFC6856-2-03',
    level: 'MUST',
    says: 'UTF8 after sign-in is refused',
    capability: 'UTF8',
    async run(ground) {
      await fails(await ground.maildrop(), 'UTF8');
    },
  },
  {
    id: 'RFC6856-3-01',
    level: 'MUST',
    says: 'LANG alone lists the languages, each with its tag and its name',
    capability: 'LANG',
    async run(ground) {
      const pop3 = await ground.connect();
      const languages = await pop3.list('LANG');
      that(languages.length > 0, 'no language is listed');
      for (const line of languages) that(/^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})* \S/.test(line), `a line is “${line}”`);
    },
  },
  {
    id: 'RFC6856-3-02',
    level: 'MUST',
    says: 'LANG with a listed tag is agreed to and names it; “*” takes the server’s own choice; i-default is always there',
    capability: 'LANG',
    async run(ground) {
      const pop3 = await ground.connect();
      const [tag] = ((await pop3.list('LANG'))[0] ?? '').split(' ');
      that(
        (await says(pop3, `LANG ${tag}`)).toLowerCase().startsWith(`+ok ${tag!.toLowerCase()} `),
        'the tag is not named',
      );
      await says(pop3, 'LANG *');
      await says(pop3, 'LANG i-default');
    },
  },
  {
    id: 'RFC6856-3-03',
    level: 'MUST',
    says: 'LANG with a tag that is not there is refused, before sign-in and after it',
    capability: 'LANG',
    async run(ground) {
      const pop3 = await ground.maildrop();
      await fails(pop3, 'LANG tlh-Piqd-x-none');
      await fails(await ground.connect(), 'LANG tlh-Piqd-x-none');
    },
  },
];
