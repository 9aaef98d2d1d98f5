/** Where APPEND, COPY and MOVE put messages. */
import { Refused } from '../errors.ts';
import type { MailboxKey } from '../store/api.ts';
import { selectableNamed } from './mailbox-lookup.ts';
import type { ImapSession } from './session.ts';

/** There is no such mailbox, and the client may create it: TRYCREATE (RFC 9051 7.1). */
export class DestinationMissing extends Refused {}

/** @throws DestinationMissing */
export async function destination(session: ImapSession, path: string): Promise<MailboxKey> {
  try {
    return { account: session.accountId, mailbox: (await selectableNamed(session, path)).id };
  } catch (error) {
    if (!(error instanceof Refused && error.code === 'mailbox.missing')) throw error;
    throw new DestinationMissing(error.code, error.message, { cause: error });
  }
}
