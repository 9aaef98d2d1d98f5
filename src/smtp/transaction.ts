/** A mail transaction (RFC 5321 3.3): from MAIL to the end of the data, or to what puts an end to it before. */
import type { EnvelopeRecipient } from '../delivery/types.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { TracedRecipient } from '../store/trace-types.ts';
import type { OutboundOptions } from '../store/types.ts';
import type { Intake } from './intake.ts';
import { nextTransactionId } from './transaction-id.ts';

/** What MAIL says. */
export interface Announced {
  /** Reverse path; empty for the null sender. */
  readonly sender: string;
  /** SIZE as declared (RFC 1870 6). */
  readonly declaredBytes: number | undefined;
  /** What is asked of every hop. */
  readonly options: OutboundOptions;
  /** Not to leave before (RFC 4865). */
  readonly holdUntil: EpochSeconds | undefined;
}

/** So that whoever tries names at random does not fill the memory. */
const MOST_REFUSED = 100;

export class Transaction implements Announced {
  readonly sender: string;
  readonly declaredBytes: number | undefined;
  readonly options: OutboundOptions;
  readonly holdUntil: EpochSeconds | undefined;
  readonly recipients: EnvelopeRecipient[] = [];
  /** Accounts that were found to have room for the message, so that none is asked twice. */
  readonly withRoom = new Set<AccountId>();
  /** Those who were refused, for the trace: the first {@link MOST_REFUSED}. */
  readonly refused: TracedRecipient[] = [];
  readonly id = nextTransactionId();
  /** The message on its way in; from the first BDAT on. */
  intake: Intake | null = null;

  constructor({ sender, declaredBytes, options, holdUntil }: Announced) {
    this.sender = sender;
    this.declaredBytes = declaredBytes;
    this.options = options;
    this.holdUntil = holdUntil;
  }

  /** SMTPUTF8 was given with MAIL (RFC 6531 3.4). */
  get utf8(): boolean {
    return this.options.utf8 === true;
  }

  /** @param why  as the client is told */
  refuse(address: string, why: string): void {
    if (this.refused.length < MOST_REFUSED) this.refused.push({ address, refused: why });
  }

  /** Gives up what came in of the message. */
  abandon(): void {
    this.intake?.abandon();
    this.intake = null;
  }
}
