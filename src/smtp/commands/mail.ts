/** MAIL (RFC 5321 4.1.1.2): begins a transaction and names the sender. */
import { BadCommand, Refused } from '../../errors.ts';
import { nowSeconds } from '../../store/ids.ts';
import type { OutboundOptions } from '../../store/types.ts';
import type { SmtpCommand } from '../command.ts';
import { longestHold, offersReports, offersRequireTls } from '../extensions.ts';
import { tooLarge } from '../intake.ts';
import { envelopeOf } from '../message.ts';
import { type Malformed, type Reply, reply, replyText, SENDER_OK } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { afterKeyword, type Parameters, parseParameters, parseSize } from '../syntax/command.ts';
import { parseHold } from '../syntax/hold.ts';
import { parseEnvelopeId, parseReturns } from '../syntax/notification.ts';
import { parsePath } from '../syntax/path.ts';
import { Transaction } from '../transaction.ts';

const NO_HELLO = reply(503, '5.5.1', 'Say who you are first');
const NOT_SIGNED_IN = reply(530, '5.7.0', 'Sign in first'); // RFC 4954 6
const NESTED = reply(503, '5.5.1', 'A transaction is open already; RSET ends it'); // RFC 5321 4.1.4
const WRONG: Malformed = [501, '5.5.4'];
const NEEDS_UTF8 = reply(553, '5.6.7', 'This address needs SMTPUTF8'); // RFC 6531 3.5
const NEEDS_TLS = reply(530, '5.7.10', 'REQUIRETLS needs a connection with TLS'); // RFC 8689 2

export const mail: SmtpCommand = {
  name: 'MAIL',
  help: 'MAIL FROM:<sender>: begins a message',
  run(session, args) {
    if (session.helo === '') return NO_HELLO;
    if (session.dialect.protocol === 'submission' && session.signedIn === null) return NOT_SIGNED_IN;
    if (session.transaction !== null) return NESTED;
    const { address, utf8, rest } = parsePath(afterKeyword(args, 'FROM:'));
    const parameters = parseParameters(rest);
    if (parameters.has('REQUIRETLS') && !session.connection.secure) return NEEDS_TLS;
    const unknown = unknownParameter(session, parameters);
    if (unknown !== undefined) return reply(555, '5.5.4', `The parameter ${unknown} is not known here`);
    checkValues(parameters);
    if (utf8 && !parameters.has('SMTPUTF8')) return NEEDS_UTF8;
    const transaction = new Transaction({
      sender: address,
      declaredBytes: declaredSize(parameters),
      options: optionsOf(parameters),
      holdUntil: parseHold(parameters, nowSeconds(), longestHold(session)),
    });
    return begin(session, transaction);
  },
};

/**
 * Begins the transaction.
 * @throws Refused when it is too large, somebody who signed in may not send as that, or a stranger brings too much
 */
async function begin(session: SmtpSession, transaction: Transaction): Promise<Reply> {
  const { context, signedIn, visitor } = session;
  try {
    assertFits(session, transaction);
    if (signedIn !== null) await context.delivery.acceptsSender({ sender: transaction.sender, signedIn });
    visitor?.begins(transaction.sender);
  } catch (error) {
    if (error instanceof Refused)
      context.delivery.refused(envelopeOf(session, transaction), replyText(session.replyTo(error, WRONG)));
    throw error;
  }
  session.transaction = transaction;
  return SENDER_OK;
}

/** SIZE: RFC 1870; BODY: RFC 6152; SMTPUTF8: RFC 6531; AUTH: RFC 4954 5, which we understand and don't rely on. */
const KNOWN = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'AUTH']);
/** RFC 3461, RFC 4865 */
const REPORTS = new Set(['RET', 'ENVID']);
const HOLD = new Set(['HOLDFOR', 'HOLDUNTIL']);

function unknownParameter(session: SmtpSession, parameters: Parameters): string | undefined {
  for (const name of parameters.keys()) {
    const known =
      KNOWN.has(name) ||
      (REPORTS.has(name) && offersReports(session)) ||
      (HOLD.has(name) && longestHold(session) > 0) ||
      (name === 'REQUIRETLS' && offersRequireTls(session));
    if (!known) return name;
  }
  return undefined;
}

function checkValues(parameters: Parameters): void {
  const body = parameters.get('BODY');
  if (body !== undefined && !/^(?:7BIT|8BITMIME)$/i.test(body ?? '')) throw new BadCommand('BODY is 7BIT or 8BITMIME');
  for (const name of ['SMTPUTF8', 'REQUIRETLS']) {
    if ((parameters.get(name) ?? null) !== null) throw new BadCommand(`${name} has no value`);
  }
  if (parameters.get('AUTH') === null) throw new BadCommand('AUTH needs a value');
}

/** What goes on with the message to the servers behind. */
function optionsOf(parameters: Parameters): OutboundOptions {
  const [envelopeId, returns] = [parameters.get('ENVID'), parameters.get('RET')];
  return {
    ...(parameters.has('SMTPUTF8') && { utf8: true }),
    ...(parameters.has('REQUIRETLS') && { requireTls: true }),
    ...(envelopeId !== undefined && { envelopeId: parseEnvelopeId(envelopeId) }),
    ...(returns !== undefined && { returns: parseReturns(returns) }),
  };
}

/** @throws Refused when the message is said to be larger than we take (RFC 1870 6.1) */
function assertFits({ context }: SmtpSession, { declaredBytes = 0 }: Transaction): void {
  const { messageBytes } = context.limits;
  if (declaredBytes > messageBytes) throw tooLarge(messageBytes);
}

function declaredSize(parameters: Parameters): number | undefined {
  const text = parameters.get('SIZE');
  if (text === undefined) return undefined;
  if (text === null || !/^\d{1,20}$/.test(text)) throw new BadCommand('SIZE is a number of bytes');
  return parseSize(text) ?? Number.POSITIVE_INFINITY;
}
