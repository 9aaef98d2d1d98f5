/** MAIL (RFC 5321 4.1.1.2): begins a transaction and names the sender. */
import { BadCommand, Refused } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { reply, SENDER_OK } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { afterKeyword, type Parameters, parseParameters, parseSize } from '../syntax/command.ts';
import { parsePath } from '../syntax/path.ts';
import { Transaction } from '../transaction.ts';

const NO_HELLO = reply(503, '5.5.1', 'Say who you are first');
const NOT_SIGNED_IN = reply(530, '5.7.0', 'Sign in first'); // RFC 4954 6
const NESTED = reply(503, '5.5.1', 'A transaction is open already; RSET ends it'); // RFC 5321 4.1.4
const NEEDS_UTF8 = reply(553, '5.6.7', 'This address needs SMTPUTF8'); // RFC 6531 3.5

export const mail: SmtpCommand = {
  name: 'MAIL',
  help: 'MAIL FROM:<sender>: begins a message',
  run(session, args) {
    if (session.helo === '') return NO_HELLO;
    if (session.dialect.protocol === 'submission' && session.signedIn === null) return NOT_SIGNED_IN;
    if (session.transaction !== null) return NESTED;
    const { address, utf8, rest } = parsePath(afterKeyword(args, 'FROM:'));
    const parameters = parseParameters(rest);
    const unknown = unknownParameter(parameters);
    if (unknown !== undefined) return reply(555, '5.5.4', `The parameter ${unknown} is not known here`);
    checkValues(parameters);
    if (utf8 && !parameters.has('SMTPUTF8')) return NEEDS_UTF8;
    session.transaction = new Transaction(address, parameters.has('SMTPUTF8'), declaredSize(session, parameters));
    return SENDER_OK;
  },
};

/** SIZE: RFC 1870; BODY: RFC 6152; SMTPUTF8: RFC 6531; AUTH: RFC 4954 5, which we understand and don't rely on. */
const known = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'AUTH']);

function unknownParameter(parameters: Parameters): string | undefined {
  for (const name of parameters.keys()) if (!known.has(name)) return name;
  return undefined;
}

function checkValues(parameters: Parameters): void {
  const body = parameters.get('BODY');
  if (body !== undefined && !/^(?:7BIT|8BITMIME)$/i.test(body ?? '')) throw new BadCommand('BODY is 7BIT or 8BITMIME');
  if ((parameters.get('SMTPUTF8') ?? null) !== null) throw new BadCommand('SMTPUTF8 has no value');
  if (parameters.get('AUTH') === null) throw new BadCommand('AUTH needs a value');
}

/** @throws Refused when the message is said to be larger than we take (RFC 1870 6.1) */
function declaredSize(session: SmtpSession, parameters: Parameters): number | undefined {
  const text = parameters.get('SIZE');
  if (text === undefined) return undefined;
  if (text === null || !/^\d{1,20}$/.test(text)) throw new BadCommand('SIZE is a number of bytes');
  const size = parseSize(text) ?? Number.POSITIVE_INFINITY;
  if (size > session.context.limits.messageBytes) {
    throw new Refused('message.too-large', 'The message is larger than this server takes');
  }
  return size;
}
