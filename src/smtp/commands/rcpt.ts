/** RCPT (RFC 5321 4.1.1.3): names one recipient, who must be ours. */
import { BadCommand } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { NEEDS_SENDER, RECIPIENT_OK, reply } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { afterKeyword, parseParameters } from '../syntax/command.ts';
import { parsePath } from '../syntax/path.ts';
import type { Transaction } from '../transaction.ts';

const TOO_MANY = reply(452, '4.5.3', 'Too many recipients for one message; send it again to the rest'); // RFC 5321 4.5.3.1.10
const NEEDS_UTF8 = reply(553, '5.6.7', 'This address needs SMTPUTF8 with MAIL'); // RFC 6531 3.5
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
    for (const name of parseParameters(rest).keys()) {
      return reply(555, '5.5.4', `The parameter ${name} is not known here`);
    }
    if (utf8 && !transaction.utf8) return NEEDS_UTF8;
    if (transaction.recipients.length >= session.context.limits.recipients) return TOO_MANY;
    return accept(session, transaction, address);
  },
};

async function accept(session: SmtpSession, transaction: Transaction, address: string) {
  const { sender, declaredBytes } = transaction;
  await session.context.delivery.accepts(address, {
    protocol: session.dialect.protocol,
    sender,
    ...(session.signedIn !== null && { signedIn: session.signedIn }),
    ...(declaredBytes !== undefined && { declaredBytes }),
  });
  transaction.recipients.push({ address });
  return RECIPIENT_OK;
}
