/** LOGIN with a name and a password (RFC 9051 6.2.3). */
import { BadCommand } from '../../errors.ts';
import { capabilities } from '../capabilities.ts';
import { beforeSignIn, type Command, ok } from '../command.ts';
import { decodeUtf8 } from '../syntax/mailbox-name.ts';
import type { CommandReader } from '../syntax/reader.ts';

export const login: Command<{ readonly name: string; readonly password: string }> = {
  name: 'LOGIN',
  states: beforeSignIn,
  syntax: (reader) => ({ name: text(reader.space()), password: text(reader.space()) }),

  async run({ name, password }, session) {
    await session.signIn(await session.context.authenticator.password(name, password, session.peer));
    return ok('Signed in', `CAPABILITY ${capabilities(session)}`); // RFC 9051 7.2.2: saves the client a round trip
  },
};

function text(reader: CommandReader): string {
  const decoded = decodeUtf8(reader.astring());
  if (decoded === null) throw new BadCommand('name and password are in UTF-8');
  return decoded;
}
