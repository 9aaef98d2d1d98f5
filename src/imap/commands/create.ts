/** CREATE, with a special use where the client asks for one (RFC 9051 6.3.4, RFC 6154 3). */
import { type Command, no, ok, signedIn } from '../command.ts';
import { mailboxObjectId } from '../object-ids.ts';
import { roleOf } from '../special-use.ts';
import { createRequest } from '../syntax/mailboxes.ts';
import type { CreateRequest } from '../syntax/types.ts';

export const create: Command<CreateRequest> = {
  name: 'CREATE',
  states: signedIn,
  syntax: createRequest,

  async run({ mailbox, uses }, session) {
    const role = uses.length === 1 ? roleOf(uses[0]!) : null;
    if (uses.length > 0 && role === null) return no('No mailbox can have that use', 'USEATTR'); // RFC 6154 3
    const created = await session.store.mailboxes.create(session.accountId, mailbox, role ?? undefined);
    return ok('CREATE completed', `MAILBOXID (${mailboxObjectId(created.id)})`); // RFC 8474 4.1
  },
};
