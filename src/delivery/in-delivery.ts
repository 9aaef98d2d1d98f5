/** A message on its way through the pipeline, and what the steps of the pipeline are. */
import type { Account } from '../directory/types.ts';
import type { Refused } from '../errors.ts';
import type { AccountId, MailboxId, Milliseconds } from '../store/ids.ts';
import type { Outbound, OutboundRecipient, StagedMessage } from '../store/types.ts';
import type { Envelope, Outcome } from './types.ts';

export interface InDelivery {
  readonly envelope: Envelope;
  readonly message: StagedMessage;
  readonly recipients: readonly Recipient[];
  /** What checks found, as header lines each ended by CRLF: stands before the message for every recipient. */
  findings: string;
  /** It is filed in Junk. */
  suspicious: boolean;
  /** A stranger brought it, and nothing proves that it is from whom it says. */
  unproven: boolean;
  /** And the domain of its sender says that it is not from there: nobody is told there of what becomes of it. */
  disowned: boolean;
  /** The domain of its envelope's sender says that it is not from there, and nothing else proves that it is, whoever the author may be. */
  borrowed: boolean;
  /** Who has no room for mail to postmaster or abuse either, while others behind that address have. */
  overfull: ReadonlySet<AccountId>;
  /** What waits in the queue for whom, should there be no room when it is filed. */
  waits: ReadonlyMap<AccountId, Outbound>;
}

export type Failure = Extract<Outcome, { ok: false }> & {
  /** It is for what the message is: however often it comes, it fails, and RCPT can't foresee it. */
  readonly forGood?: true;
};

/** One recipient of the envelope, and whom it stands for. */
export interface Recipient {
  readonly address: string;
  accounts: readonly Account[];
  /** Where else its mail goes. */
  leaves: readonly Leaving[];
  /** Header lines for all it stands for, each ended by CRLF. */
  lines?: string;
  /** A group that is posted to by the right of who the envelope says is the sender. */
  postedBySender?: true;
  /** It stands for several: who of them has room gets it, and the copies of others may wait. */
  several?: true;
  /** Its mail is filed beyond the quota, too, for a while: it is postmaster's or abuse's. */
  evenIfFull?: true;
  /** The folder it is filed in; INBOX when absent. */
  mailbox?: MailboxId;
  /** Why it gets nothing. */
  failure: Failure | null;
}

/** Mail for a recipient that goes on to another server. */
export interface Leaving extends OutboundRecipient {
  /** For whom: who submitted it, or whose forwarding it is. */
  readonly account: AccountId;
  /** The reverse path it leaves with. */
  readonly sender: string;
  /** It is forwarded; absent: whoever signed in sends it there. */
  readonly via?: Via;
}

/** Where mail was that goes on. */
export interface Via {
  /** The address of ours. */
  readonly address: string;
  /** Whose forwarding it is, who keeps what does not go on; null: an alias's or a group's. */
  readonly keeper: Account | null;
}

/** One step on the way. It may change where the message goes, or fail recipients. */
export type Step = (delivery: InDelivery) => Promise<void>;

/** A check or filter on mail that arrives: authentication, spam, viruses, house rules. */
export interface Check {
  /** Names it in the log and in the metrics. */
  readonly name: string;
  /** After this time it counts as failed. */
  readonly within: Milliseconds;
  /** What becomes of a message that it could not look at. */
  readonly whenItFails: 'accept' | 'put off';
  /** What holds of such a message, where it is accepted. */
  readonly withoutIt?: Partial<Verdict>;
  /** Whether it looks at this message; absent: at every one. */
  readonly concerns?: (message: Checked) => boolean;
  /**
   * Looks at the message. It changes nothing: what it says is done, if it says so in time.
   * @param signal  aborted when its time is over: nobody hears what it says after that, and it should stop
   * @throws Refused when it can't say anything, and nobody should get the message
   */
  run(message: Checked, signal: AbortSignal): Promise<Partial<Verdict> | undefined>;
}

/** What a check sees: the message, and what those before it said. */
export type Checked = Readonly<Omit<InDelivery, 'recipients'>> & {
  readonly recipients: readonly Readonly<Recipient>[];
};

/** What a check has to say of a message. */
export interface Verdict {
  /** Nobody is to get it. */
  readonly refused: Refused | undefined;
  /** These are not to get it, each by its address in the envelope. */
  readonly failures: ReadonlyMap<string, Failure>;
  /** Header lines, each ended by CRLF. */
  readonly findings: string;
  readonly suspicious: boolean;
  readonly unproven: boolean;
  readonly disowned: boolean;
  readonly borrowed: boolean;
}
