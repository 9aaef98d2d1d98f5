/**
 * BDAT (RFC 3030 2): takes the message in chunks of a stated size.
 *
 * Invariant: exactly the announced bytes are taken off the connection, whether they are wanted or not. Where no size can be
 * read there is no telling data from commands, so the connection ends.
 */
import { isEnough } from '../bounds.ts';
import type { SmtpCommand } from '../command.ts';
import type { Intake } from '../intake.ts';
import { deliver, newIntake } from '../message.ts';
import { NEEDS_RECIPIENT, NEEDS_SENDER, type Reply, reply } from '../reply.ts';
import type { SmtpSession } from '../session.ts';
import { parseSize } from '../syntax/command.ts';

const CHUNK_BYTES = 256 * 1024;

const NO_SIZE = reply(501, '5.5.4', 'BDAT needs a size, and LAST or nothing after it: out of step, goodbye');

export const bdat: SmtpCommand = {
  name: 'BDAT',
  help: 'BDAT size [LAST]: so many bytes of the message follow',
  async run(session, args) {
    const [first = '', last, ...more] = args.split(/ +/);
    const size = parseSize(first);
    if (size === null || more.length > 0 || (last !== undefined && last.toUpperCase() !== 'LAST')) {
      session.end();
      return NO_SIZE;
    }
    return take(session, size, last !== undefined);
  },
};

async function take(session: SmtpSession, size: number, last: boolean): Promise<Reply> {
  const { transaction } = session;
  if (transaction === null || transaction.recipients.length === 0) {
    if (!(await takeBytes(session, size, null))) return '';
    return transaction === null ? NEEDS_SENDER : NEEDS_RECIPIENT;
  }
  transaction.intake ??= newIntake(session, transaction);
  const { intake } = transaction;
  if (!(await takeBytes(session, size, intake))) return '';
  if (last) return deliver(session, transaction, intake);
  return reply(250, '2.0.0', `${size} bytes taken`);
}

/** Takes so many bytes off the connection. @param intake  null: they are dropped @returns false when the connection ended before */
async function takeBytes(session: SmtpSession, size: number, intake: Intake | null): Promise<boolean> {
  const begun = performance.now();
  for (let left = size; left > 0; ) {
    const chunk = await session.connection.chunk(Math.min(left, CHUNK_BYTES));
    if (chunk === null) return false;
    left -= chunk.length;
    const wait = intake?.write(chunk);
    if (wait !== undefined) await wait;
    if (isEnough(session, intake ?? { received: size - left, begun })) return false;
  }
  return true;
}
