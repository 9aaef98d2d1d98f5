/** IMAP as a listener serves it. */
import type { LineProtocol } from '../net/connection-types.ts';
import type { ImapContext } from './context.ts';
import { farewell } from './responses.ts';
import { ImapSession } from './session.ts';

export function imapProtocol(context: ImapContext): LineProtocol {
  return {
    name: 'imap',
    idleTimeout: context.limits.idleTimeout,
    strictLines: false,
    serve: (connection) => new ImapSession(context, connection).serve(),
    farewell,
  };
}
