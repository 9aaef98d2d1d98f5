/** A mail transaction (RFC 5321 3.3): from MAIL to the end of the data, or to what puts an end to it before. */
import type { EnvelopeRecipient } from '../delivery/types.ts';
import type { Intake } from './intake.ts';
import { nextMessageId } from './message-id.ts';

export class Transaction {
  readonly sender: string;
  /** SMTPUTF8 was given with MAIL (RFC 6531 3.4). */
  readonly utf8: boolean;
  /** SIZE as declared with MAIL (RFC 1870 6). */
  readonly declaredBytes: number | undefined;
  readonly recipients: EnvelopeRecipient[] = [];
  /** Names the message in its Received line, in the reply and in the log. */
  readonly messageId = nextMessageId();
  /** The message on its way in; from the first BDAT on. */
  intake: Intake | null = null;

  /** @param sender empty for the null sender */
  constructor(sender: string, utf8: boolean, declaredBytes: number | undefined) {
    this.sender = sender;
    this.utf8 = utf8;
    this.declaredBytes = declaredBytes;
  }

  /** Gives up what came in of the message. */
  abandon(): void {
    this.intake?.abandon();
    this.intake = null;
  }
}
