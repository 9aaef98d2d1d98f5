/** AUTH (RFC 4954): signs in, for submission. */
import { claimConnection } from '../../auth/claim.ts';
import { runSasl } from '../../auth/line-sasl.ts';
import type { SignedIn } from '../../auth/types.ts';
import { BadCommand, Refused } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { type Reply, reply } from '../reply.ts';
import type { SmtpSession } from '../session.ts';

const NO_HELLO = reply(503, '5.5.1', 'Say EHLO first');
const SIGNED_IN_ALREADY = reply(503, '5.5.1', 'You are signed in already');
const NOT_NOW = reply(503, '5.5.1', 'AUTH is not allowed within a transaction'); // RFC 4954 4
const SIGNED_IN = reply(235, '2.7.0', 'Signed in');

export const auth: SmtpCommand = {
  name: 'AUTH',
  help: 'AUTH mechanism: signs in',
  run(session, args) {
    if (!session.extended) return NO_HELLO;
    if (session.signedIn !== null) return SIGNED_IN_ALREADY;
    if (session.transaction !== null) return NOT_NOW;
    const [mechanism = '', initial, ...more] = args.split(/ +/);
    if (mechanism === '' || more.length > 0) throw new BadCommand('AUTH needs a mechanism, and at most one response');
    if (!session.peer.mayUsePassword) {
      throw new Refused('auth.tls-required', 'Signing in needs a secure connection: turn on TLS (STARTTLS) first.');
    }
    return signIn(session, mechanism.toUpperCase(), initial);
  },
};

async function signIn(session: SmtpSession, mechanism: string, initial: string | undefined): Promise<Reply> {
  const exchange = session.authenticator.sasl(mechanism, session.peer);
  const signedIn = await runSasl(exchange, initial, '334 ', session);
  if (signedIn === null) return '';
  session.connection.client = session.helo;
  await claimConnection(session.connection, signedIn);
  session.signedIn = signedIn.account;
  session.fileSent = filesSent(signedIn);
  return SIGNED_IN;
}

/** What sends and never reads mail, a scanner or a program, doesn't write a person's letters. */
function filesSent({ access, credential: { protocols } }: SignedIn): boolean {
  const onlySends = protocols?.every((protocol) => protocol === 'submission') ?? false;
  return access.submission.fileSent && !onlySends;
}
