/** AUTHENTICATE: a SASL exchange in Base64 (RFC 9051 6.2.2), with an initial response where the client has one (RFC 4959). */
import { BadCommand } from '../../errors.ts';
import { capabilities } from '../capabilities.ts';
import { beforeSignIn, type Command, ok } from '../command.ts';
import type { ImapSession } from '../session.ts';

interface AuthenticateRequest {
  readonly mechanism: string;
  /** Null: the client gave none; `=` is an empty one. */
  readonly initial: Buffer | null;
}

const EMPTY = Buffer.alloc(0);

export const authenticate: Command<AuthenticateRequest> = {
  name: 'AUTHENTICATE',
  states: beforeSignIn,
  syntax: (reader) => {
    const mechanism = reader.space().atom().toUpperCase();
    if (!reader.skip(' ')) return { mechanism, initial: null };
    const initial = reader.rest();
    return { mechanism, initial: initial === '=' ? EMPTY : base64(initial) };
  },

  async run({ mechanism, initial }, session) {
    const exchange = session.context.authenticator.sasl(mechanism, session.peer);
    let step = await exchange.respond(initial);
    while (!step.done) step = await exchange.respond(await answerTo(step.challenge, session));
    // What comes with success goes as a last challenge, which the client answers with nothing (RFC 9051 6.2.2).
    if (step.data !== null && (await answerTo(step.data, session)).length > 0) {
      throw new BadCommand('an empty answer was expected');
    }
    session.signIn(step.signedIn);
    return ok('Signed in', `CAPABILITY ${capabilities(session)}`);
  },
};

async function answerTo(challenge: Buffer, session: ImapSession): Promise<Buffer> {
  session.write(`+ ${challenge.toString('base64')}\r\n`);
  const line = await session.input.answer(session.context.limits.commandBytesBeforeSignIn);
  if (line === '*') throw new BadCommand('AUTHENTICATE was cancelled'); // RFC 9051 6.2.2
  return base64(line);
}

function base64(text: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new BadCommand('that is not Base64');
  return Buffer.from(text, 'base64');
}
