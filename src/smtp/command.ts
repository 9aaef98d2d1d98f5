/** A command of SMTP, submission or LMTP. */
import type { Reply } from './reply.ts';
import type { SmtpSession } from './session.ts';

export interface SmtpCommand {
  readonly name: string;
  /** One line for HELP. */
  readonly help: string;
  /**
   * @param args what follows the verb, trimmed; one character a byte
   * @throws BadCommand (501), Refused (as delivery/replies.ts says)
   */
  run(session: SmtpSession, args: string): Reply | Promise<Reply>;
}
