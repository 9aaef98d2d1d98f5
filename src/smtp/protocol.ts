/** SMTP from other servers (RFC 5321) and submission from people (RFC 6409). */
import type { LineConnection, LineProtocol } from '../net/connection-types.ts';
import type { SmtpContext, SubmissionContext } from './context.ts';
import { smtp, submission } from './dialect.ts';
import { farewell } from './farewell.ts';
import { SmtpSession } from './session.ts';

export function smtpProtocol(context: SmtpContext): LineProtocol {
  return {
    name: 'smtp',
    idleTimeout: context.limits.idleTimeout,
    strictLines: true,
    serve: (connection: LineConnection) => new SmtpSession(connection, smtp, context, null).serve(),
    farewell: (why) => farewell(why, context.hostname),
  };
}

export function submissionProtocol(context: SubmissionContext): LineProtocol {
  return {
    name: 'submission',
    idleTimeout: context.limits.idleTimeout,
    strictLines: true,
    serve: (connection: LineConnection) =>
      new SmtpSession(connection, submission, context, context.authenticator).serve(),
    farewell: (why) => farewell(why, context.hostname),
  };
}
