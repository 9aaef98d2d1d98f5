/** The delivery pipeline: envelope -> checks -> filters -> store. */
import type { Account } from '../directory/types.ts';
import type { StagedMessage } from '../store/types.ts';

export interface Envelope {
  /** Where it came in. */
  readonly protocol: 'smtp' | 'lmtp' | 'submission' | 'import';
  readonly remoteAddress: string;
  /** EHLO/LHLO name as given. */
  readonly helo: string;
  /** Reverse path without angle brackets; empty for the null sender. */
  readonly sender: string;
  /** SIZE as the client declared it, if it did. */
  readonly declaredBytes?: number;
  /** Who signed in (submission). */
  readonly signedIn?: Account;
  /** What they send is filed in their Sent mailbox. */
  readonly fileSent?: boolean;
  readonly recipients: readonly EnvelopeRecipient[];
}

export interface EnvelopeRecipient {
  /** As the client gave it. */
  readonly address: string;
}

/** What became of one recipient; in the order of the envelope. */
export type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reply: number; readonly status: string; readonly text: string };

/** The one way into mailboxes for mail that arrives. */
export interface Delivery {
  /**
   * Is there somebody to take it? Called at RCPT. Refusals: `recipient.unknown`, `recipient.closed`, `relay.forbidden`, `quota.exceeded`.
   */
  accepts(
    recipient: string,
    envelope: Pick<Envelope, 'protocol' | 'signedIn' | 'sender' | 'declaredBytes'>,
  ): Promise<void>;
  /**
   * Files the message, durably, in one transaction. An outcome for each recipient, in order; by a protocol with one reply for
   * all of them the outcomes are all good or all bad. @throws Refused `store.*`
   */
  deliver(envelope: Envelope, message: StagedMessage): Promise<readonly Outcome[]>;
}
