/** AUTHENTICATE: a SASL exchange (RFC 9051 6.2.2), with an initial response where the client has one (RFC 4959). */
import { runSasl } from '../../auth/line-sasl.ts';
import { capabilities } from '../capabilities.ts';
import { beforeSignIn, type Command, ok } from '../command.ts';
import { ConnectionEnded } from '../command-input.ts';

interface AuthenticateRequest {
  readonly mechanism: string;
  /** In Base64, as given; undefined when the client gave none. */
  readonly initial: string | undefined;
}

export const authenticate: Command<AuthenticateRequest> = {
  name: 'AUTHENTICATE',
  states: beforeSignIn,
  syntax: (reader) => {
    const mechanism = reader.space().atom().toUpperCase();
    return { mechanism, initial: reader.skip(' ') ? reader.rest() : undefined };
  },

  async run({ mechanism, initial }, session) {
    const { connection, context, peer } = session;
    const exchange = context.authenticator.sasl(mechanism, peer);
    const readLine = () => connection.line(context.limits.commandBytesBeforeSignIn);
    const signedIn = await runSasl(exchange, initial, '+ ', { connection, readLine });
    if (signedIn === null) throw new ConnectionEnded();
    await session.signIn(signedIn);
    return ok('Signed in', `CAPABILITY ${capabilities(session)}`);
  },
};
