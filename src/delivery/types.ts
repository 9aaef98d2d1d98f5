/** The delivery pipeline: envelope -> checks -> filters -> store. */
import type { Account } from '../directory/types.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { QueuePlace, Report } from '../store/queue.ts';
import type { TracedRecipient } from '../store/trace-types.ts';
import type { OutboundOptions, OutboundRecipient, StagedMessage } from '../store/types.ts';
import type { InDelivery } from './in-delivery.ts';

export interface Envelope {
  /** Where it came in; `queue`: it was to wait until now. */
  readonly protocol: 'smtp' | 'lmtp' | 'submission' | 'import' | 'queue';
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
  /** Those whom RCPT refused, for the trace. */
  readonly refused?: readonly TracedRecipient[];
  /** Names the message in its Received line and in our reply. */
  readonly id?: string;
  /** How the connection is encrypted; null: it is not. */
  readonly tls?: string | null;
  /** What the sender asked of every hop. */
  readonly options?: OutboundOptions;
  /** What its header says of itself. */
  readonly importance?: 'high' | 'low' | undefined;
  /** Whose wait in the queue it ends, in the transaction that files it: the place of each recipient. */
  readonly arrives?: readonly QueuePlace[];
  /** It waited in the queue for room in this account's mailbox, and is for it alone as long as that keeps mail here. */
  readonly waitedFor?: AccountId;
  /** It was found suspicious when it came. */
  readonly junk?: true;
  /** Not to leave before (RFC 4865). */
  readonly holdUntil?: EpochSeconds;
  /** Where the message has been, by its Delivered-To fields (RFC 9228). */
  readonly deliveredTo?: readonly string[];
  /** It comes from a mailing list (RFC 2919). */
  readonly fromList?: boolean;
}

/** What the sender asked for one recipient (RFC 3461 4.1, 4.2). */
export type RecipientParameters = Pick<OutboundRecipient, 'notify' | 'original'>;

export interface EnvelopeRecipient extends RecipientParameters {
  /** As the client gave it. */
  readonly address: string;
}

/** What the pipeline needs of what sends mail to other servers. */
export interface Outgoing {
  /** What attempts and connections for an address are shared by; undefined: no mail can go there. */
  destinationOf(address: string): string | undefined;
  /** For a message that may leave from then on: when its sender is told that it takes long, and when it is given up. */
  times(from: EpochSeconds): { readonly warn: EpochSeconds; readonly expires: EpochSeconds };
  /** Something waits in the queue now, durably. @param destinations  for these alone */
  wake(destinations?: Iterable<string>): void;
  /** Makes reverse paths of ours for mail that is forwarded (SRS); absent: it leaves under the address that it goes on from. */
  readonly srs?: ReversePaths;
}

/** The reverse paths of mail that is forwarded. */
export interface ReversePaths {
  /** @param forwarder  the address of ours that it goes on from @returns one for which we may send; the null sender stays */
  forward(sender: string, forwarder: string): Promise<string>;
  /** Whom one of them stands for; undefined: it is none of ours. */
  reverse(address: string): string | undefined;
}

/** Where mail waits that is for people here: it was to be there later (RFC 4865), or there was no room for it. No domain is called so. */
export const HERE = 'here';

/** Tells senders that their mail is here, where they asked for it (RFC 3461 4.1). */
export interface Notices {
  /** What is to be filed in the transaction that files the message; undefined: nothing. */
  filed(delivery: InDelivery): Promise<Report | undefined>;
}

/** What became of one recipient; in the order of the envelope. */
export type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reply: number; readonly status: string; readonly text: string };

/** The one way into mailboxes for mail that arrives. */
export interface Delivery {
  /** May the person send with this reverse path? Called at MAIL. @throws Refused `sender.forbidden` */
  acceptsSender(envelope: { readonly sender: string; readonly signedIn: Account }): Promise<void>;
  /**
   * Is there somebody to take it? Called at RCPT. Refusals: `recipient.unknown`, `recipient.closed`, `recipient.invalid`, `relay.forbidden`,
   * `quota.exceeded`, `sending.limit`.
   */
  accepts(
    recipient: string,
    envelope: Pick<Envelope, 'protocol' | 'signedIn' | 'sender' | 'declaredBytes' | 'waitedFor'> & {
      /** Whom the message has room with, of its recipients so far; more are added. */
      readonly withRoom: Set<AccountId>;
    },
  ): Promise<void>;
  /**
   * Files the message, durably, in one transaction. An outcome for each recipient, in order; by a protocol with one reply for
   * all of them the outcomes are all good or all bad. @throws Refused `store.*`, `sender.forbidden`, `sending.limit`
   */
  deliver(envelope: Envelope, message: StagedMessage): Promise<readonly Outcome[]>;
  /**
   * Nothing comes of a message, before {@link deliver} saw it: for the trace. Never waits.
   * @param why  as the peer was told; null: it gave up, after recipients were refused
   */
  refused(envelope: Envelope, why: string | null): void;
}
