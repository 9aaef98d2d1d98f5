/** LMTP (RFC 2033): SMTP's local cousin, with a reply for each recipient. No sign-in: the listener lets only trusted networks in. */
import type { LineConnection, LineProtocol } from '../net/connection-types.ts';
import type { SmtpContext } from '../smtp/context.ts';
import { lmtp } from '../smtp/dialect.ts';
import { farewell } from '../smtp/farewell.ts';
import { SmtpSession } from '../smtp/session.ts';

export function lmtpProtocol(context: SmtpContext): LineProtocol {
  return {
    name: 'lmtp',
    idleTimeout: context.limits.idleTimeout,
    strictLines: false,
    serve: (connection: LineConnection) => new SmtpSession(connection, lmtp, context, null).serve(),
    farewell: (why) => farewell(why, context.hostname),
  };
}
