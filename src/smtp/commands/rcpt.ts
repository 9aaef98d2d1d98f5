/** RCPT (RFC 5321 4.1.1.3): names one recipient: somebody here or, for people who signed in, anybody. */
import type { EnvelopeRecipient, RecipientParameters } from '../../delivery/types.ts';
import { BadCommand, Refused } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { offersReports } from '../extensions.ts';
import { type Malformed, NEEDS_SENDER, RECIPIENT_OK, type Reply, reply, replyText } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { afterKeyword, type Parameters, parseParameters } from '../syntax/command.ts';
import { parseNotify, parseOriginal } from '../syntax/notification.ts';
import { parsePath } from '../syntax/path.ts';
import type { Transaction } from '../transaction.ts';

const TOO_MANY = reply(452, '4.5.3', 'Too many recipients for one message; send it again to the rest'); // RFC 5321 4.5.3.1.10
const NEEDS_UTF8 = reply(553, '5.6.7', 'This address needs SMTPUTF8 with MAIL'); // RFC 6531 3.5
const SENT_AWAY = reply(421, '4.7.1', 'Too many addresses that do not exist; goodbye');
const WRONG: Malformed = [501, '5.5.4'];
const BEGUN = reply(503, '5.5.1', 'The message has begun: no more recipients');

export const rcpt: SmtpCommand = {
  name: 'RCPT',
  help: 'RCPT TO:<recipient>: names a recipient',
  run(session, args) {
    const { transaction } = session;
    if (transaction === null) return NEEDS_SENDER;
    if (transaction.intake !== null) return BEGUN;
    const { address, utf8, rest } = parsePath(afterKeyword(args, 'TO:'));
    if (address === '') throw new BadCommand('A recipient is needed');
    const parameters = parseParameters(rest);
    for (const name of parameters.keys()) {
      const known = (name === 'NOTIFY' || name === 'ORCPT') && offersReports(session);
      if (!known) return reply(555, '5.5.4', `The parameter ${name} is not known here`);
    }
    if (utf8 && !transaction.utf8) return NEEDS_UTF8;
    if (transaction.recipients.length >= session.context.limits.recipients) return TOO_MANY;
    return accept(session, transaction, { address, ...reportsWanted(parameters, transaction) });
  },
};

/** What the sender asks of reports (RFC 3461 4.1, 4.2). */
function reportsWanted(parameters: Parameters, { utf8 }: Transaction): RecipientParameters {
  const [notify, original] = [parameters.get('NOTIFY'), parameters.get('ORCPT')];
  return {
    ...(notify !== undefined && { notify: parseNotify(notify) }),
    ...(original !== undefined && { original: parseOriginal(original, utf8) }),
  };
}

async function accept(session: SmtpSession, transaction: Transaction, recipient: EnvelopeRecipient): Promise<Reply> {
  const { visitor } = session;
  try {
    await assertTaken(session, transaction, recipient);
    visitor?.names(recipient.address);
  } catch (error) {
    if (error instanceof Refused) transaction.refuse(recipient.address, replyText(session.replyTo(error, WRONG)));
    if (visitor === null || !(error instanceof Refused) || error.code !== 'recipient.unknown') throw error;
    if (await visitor.misses(session.connection.signal)) throw error;
    session.end();
    return SENT_AWAY;
  }
  transaction.recipients.push(recipient);
  return RECIPIENT_OK;
}

/** @throws Refused when nobody is there to take it */
async function assertTaken(
  session: SmtpSession,
  transaction: Transaction,
  recipient: EnvelopeRecipient,
): Promise<void> {
  const { sender, declaredBytes, withRoom } = transaction;
  await session.context.delivery.accepts(recipient.address, {
    protocol: session.dialect.protocol,
    sender,
    withRoom,
    ...(session.signedIn !== null && { signedIn: session.signedIn }),
    ...(declaredBytes !== undefined && { declaredBytes }),
  });
}
