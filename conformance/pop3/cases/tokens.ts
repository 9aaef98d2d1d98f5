/** RFC 7628 (OAUTHBEARER) over RFC 5034, for servers that offer it: what can be seen without a token that is right. */
import { type Case, NotApplicable } from '../case.ts';
import type { Connection } from '../connection.ts';
import { ok, refused, that } from '../expect.ts';
import { capabilities, type Ground } from '../ground.ts';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

const message = ({ target }: Ground, token: string): string =>
  base64(`n,a=${target.user},\x01auth=Bearer ${token}\x01\x01`);

/** A connection on which OAUTHBEARER is offered. */
async function offering(ground: Ground): Promise<Connection> {
  const pop3 = await ground.secured();
  if ((await capabilities(pop3)).get('SASL')?.includes('OAUTHBEARER') === true) return pop3;
  throw new NotApplicable('OAUTHBEARER is not offered');
}

/** What a challenge says; fails when it is none. */
function challenge(line: string, what: string): string {
  that(line.startsWith('+ '), `${what} was answered “${line}”, not by a challenge`);
  return Buffer.from(line.slice(2), 'base64').toString();
}

async function stillThere(pop3: Connection, { target }: Ground): Promise<void> {
  ok(await pop3.ask(`AUTH PLAIN ${base64(`\0${target.user}\0${target.password}`)}`), 'AUTH PLAIN after that');
}

export const tokens: readonly Case[] = [
  {
    id: 'RFC7628-3.2.2-01',
    level: 'MUST',
    says: 'a token that is not valid is answered by a challenge: JSON with a status',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await offering(ground);
      const json = challenge(
        await pop3.ask(`AUTH OAUTHBEARER ${message(ground, 'certainly-not-it')}`),
        'a wrong token',
      );
      const status = (JSON.parse(json) as { readonly status?: unknown }).status;
      that(typeof status === 'string', `the challenge has no status: ${json}`);
    },
  },
  {
    id: 'RFC7628-3.2.3-01',
    level: 'MUST',
    says: 'after the client’s dummy response the exchange fails; the session goes on',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await offering(ground);
      challenge(await pop3.ask(`AUTH OAUTHBEARER ${message(ground, 'certainly-not-it')}`), 'a wrong token');
      refused(await pop3.ask(base64('\x01')), 'the dummy response');
      await stillThere(pop3, ground);
    },
  },
  {
    id: 'RFC7628-3.1-01',
    level: 'MUST',
    says: 'a message without a GS2 header is no sign-in; the session goes on',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await offering(ground);
      const answer = await pop3.ask(`AUTH OAUTHBEARER ${base64('auth=Bearer certainly-not-it\x01\x01')}`);
      if (answer.startsWith('+ ')) refused(await pop3.ask(base64('\x01')), 'the dummy response');
      else refused(answer, 'the message');
      await stillThere(pop3, ground);
    },
  },
  {
    id: 'RFC5034-4-10',
    level: 'MUST',
    says: 'a response may be as long as the mechanism needs: a token of 8,000 octets is looked at',
    capability: 'SASL',
    async run(ground) {
      const pop3 = await offering(ground);
      challenge(await pop3.ask('AUTH OAUTHBEARER'), 'AUTH OAUTHBEARER');
      challenge(await pop3.ask(message(ground, 'x'.repeat(8_000))), 'a long token');
      refused(await pop3.ask(base64('\x01')), 'the dummy response');
      await stillThere(pop3, ground);
    },
  },
];
