/** DATA (RFC 5321 4.1.1.4): takes the message, up to a line that holds a single dot. */
import { isEnough } from '../bounds.ts';
import type { SmtpCommand } from '../command.ts';
import { deliver, newIntake } from '../message.ts';
import { NEEDS_RECIPIENT, NEEDS_SENDER, NO_ARGUMENTS, type Reply, reply, START_DATA } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { DotReader } from '../syntax/dots.ts';
import type { Transaction } from '../transaction.ts';

/** Bytes taken at a time, at most. */
const CHUNK_BYTES = 256 * 1024;

const MIXED = reply(503, '5.5.1', 'A message begun with BDAT goes on with BDAT'); // RFC 3030 3

export const data: SmtpCommand = {
  name: 'DATA',
  help: 'DATA: the message follows',
  run(session, args) {
    const { transaction } = session;
    if (args !== '') return NO_ARGUMENTS;
    if (transaction === null) return NEEDS_SENDER;
    if (transaction.intake !== null) return MIXED;
    if (transaction.recipients.length === 0) return NEEDS_RECIPIENT; // RFC 2033 4.2
    return take(session, transaction);
  },
};

async function take(session: SmtpSession, transaction: Transaction): Promise<Reply> {
  const { connection } = session;
  const intake = newIntake(session, transaction);
  const dots = new DotReader();
  connection.write(START_DATA);
  while (!dots.ended) {
    const chunk = await connection.chunk(CHUNK_BYTES);
    if (chunk === null) return ''; // The connection is gone, and the message with it (RFC 5321 4.1.1.4).
    const wait = intake.write(dots.push(chunk));
    if (wait !== undefined) await wait;
    if (dots.consumed < chunk.length) connection.unread(chunk.subarray(dots.consumed));
    if (isEnough(session, intake)) return '';
  }
  return deliver(session, transaction, intake);
}
