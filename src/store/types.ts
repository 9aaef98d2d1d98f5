/** What callers of the store see: whole operations and plain values, no SQL. */
import type { Refused } from '../errors.ts';
import type { MessageAnalysis } from '../message/analysis.ts';
import type { FlagChange, Flags } from './flags.ts';
import type { AccountId, EmailId, EpochSeconds, ItemId, MailboxId, Modseq, QueueId, ThreadId, Uid } from './ids.ts';

export type { FlagChange, Flags, MessageAnalysis };

/** Special uses (RFC 6154), by the attribute IMAP shows; the role is JMAP's name for it. */
export type Role = 'inbox' | 'drafts' | 'sent' | 'archive' | 'junk' | 'trash' | 'all' | 'flagged' | 'important';

/** A mailbox with its counts, which are kept in the transaction that changes them. */
export interface Mailbox {
  readonly account: AccountId;
  readonly id: MailboxId;
  /** 0: at the top. */
  readonly parent: MailboxId;
  /** The last part of the name, Unicode. */
  readonly name: string;
  /** The whole name with `/` between its parts, Unicode. INBOX is always `INBOX`. */
  readonly path: string;
  readonly role: Role | null;
  readonly subscribed: boolean;
  /** False: only a place in the hierarchy (IMAP \Noselect). */
  readonly selectable: boolean;
  readonly uidvalidity: number;
  readonly uidnext: Uid;
  /** Messages with a UID above it are \Recent to the next session that selects the mailbox for change. */
  readonly recentUid: Uid;
  readonly modseq: Modseq;
  readonly total: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly sizeBytes: number;
}

/** Where the bytes of a body stand in the segments. */
export interface BodyAddress {
  readonly segment: number;
  /** Of the record's header. */
  readonly offset: number;
  /** Length of the body as the client sees it. */
  readonly length: number;
  /** Bytes stored after the header. Equal to `length` with codec 0. */
  readonly storedLength: number;
  /** 0: as it is. */
  readonly codec: number;
  /** SHA-256 of the body: stands in the record's header too, so that a wrong address can never give another message's bytes. */
  readonly hash: Uint8Array;
}

/** A message that has come in whole but is not in any mailbox yet. Its body is reserved, not necessarily durable. */
export interface StagedMessage {
  readonly body: BodyAddress;
  readonly analysis: MessageAnalysis;
}

/** Takes one message in, streaming; memory stays bounded whatever its size. */
export interface MessageStage {
  /** Bytes taken so far. */
  readonly size: number;
  /** Takes the next bytes; the buffer must not change afterwards. Await the promise, if there is one: it is backpressure. */
  write(chunk: Buffer): Promise<void> | undefined;
  finish(): Promise<StagedMessage>;
  /** Gives everything up; for a client that went away. Never throws. */
  abandon(): void;
}

/** One recipient of a delivery. */
export interface DeliveryTarget {
  readonly account: AccountId;
  /** INBOX when absent. */
  readonly mailbox?: MailboxId;
  readonly flags?: Flags;
  /** Trace lines for this recipient alone (Return-Path, Delivered-To), each ended by CRLF; stands before the shared body. */
  readonly prefix: Buffer;
  /** Filed beyond the quota, too: a report on what the person sent, mail to postmaster. */
  readonly evenIfFull?: true;
  /** What waits in the queue for room instead, where somebody else has the message; absent: who has no room is refused. */
  readonly waits?: Outbound;
}

/** What a person submitted, for their own Sent mailbox. Their quota never stands in its way: the message has been sent. */
export interface SentTarget {
  readonly account: AccountId;
  /** Recipients that the header doesn't name; told to the sender alone. */
  readonly bcc: readonly string[];
}

/** What leaves this server: for the queue. */
export interface Outbound {
  /** Whose it is: who submitted it, or for whom it is forwarded. */
  readonly account: AccountId;
  /** Reverse path without angle brackets; empty for the null sender. */
  readonly sender: string;
  readonly recipients: readonly OutboundRecipient[];
  /** The address of ours from which it goes on; absent: it is sent from here. */
  readonly from?: string;
  /** An alias or a group leads there: the account only stands for it, and its person is told nothing. */
  readonly shared?: true;
  /** Header lines that stand before the message when it is sent, each ended by CRLF. */
  readonly prefix?: Buffer;
  readonly priority?: Priority;
  /** Not to be sent before (RFC 4865). */
  readonly due?: EpochSeconds;
  /** When its sender is told that it takes long; absent: never. */
  readonly warn?: EpochSeconds;
  /** After this it is given up. */
  readonly expires: EpochSeconds;
  readonly options?: OutboundOptions;
}

export interface OutboundRecipient {
  readonly address: string;
  /** What attempts and connections are shared by: the domain, or the route by which its mail leaves. */
  readonly destination: string;
  /** When the sender wants to hear of it (RFC 3461 4.1); absent: of failures, and when it takes long. */
  readonly notify?: readonly Notify[];
  /** ORCPT as it was given. */
  readonly original?: string;
  /** Why it waits from the beginning, as an attempt would have said. */
  readonly reply?: string;
}

/** Each is tried after all of the one before that is due at the same destination. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];
export type Notify = 'never' | 'success' | 'failure' | 'delay';

/** What the sender asked of every hop, and what is to be known at every attempt. */
export interface OutboundOptions {
  /** The addresses need SMTPUTF8 (RFC 6531). */
  readonly utf8?: boolean;
  /** Only over TLS with a certificate that is verified (RFC 8689). */
  readonly requireTls?: boolean;
  /** Rather without TLS than not at all, whatever the receiving domain wants (RFC 8689 3). */
  readonly waiveTls?: boolean;
  /** ENVID and RET (RFC 3461 4.3, 4.4). */
  readonly envelopeId?: string;
  readonly returns?: 'full' | 'headers';
  /**
   * It was written here, by somebody who signed in or by this server, and so is signed in the name of its author's domain. What is only
   * forwarded never is: it says of itself who its author is.
   */
  readonly ours?: true;
  /** It is forwarded by somebody who keeps a copy of it. */
  readonly copyStays?: true;
  /** It is for nobody but the account whose it is, here, and waits for room in its mailbox: others have theirs. */
  readonly forRoom?: ForRoom;
}

/** What is to be known of mail when there is room for it. */
export interface ForRoom {
  /** Who submitted it. */
  readonly by?: AccountId;
  /** It was found suspicious when it came. */
  readonly junk?: true;
}

export interface Delivered {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly uid: Uid;
  readonly email: EmailId;
}

/** There was no room: it waits in the queue. */
export interface Waiting {
  readonly account: AccountId;
  readonly waitsAs: QueueId;
}

/** What became of a message. */
export interface Filed {
  /** One for each target, in their order. */
  readonly outcomes: readonly (Delivered | Waiting | Refused)[];
  /** Under which numbers it leaves: one for each `outbound`, in their order. */
  readonly queued: readonly QueueId[];
}

/** One message for {@link Store.append}. */
export interface Appended {
  readonly staged: StagedMessage;
  readonly flags: Flags;
  /** INTERNALDATE; now when absent. */
  readonly received?: EpochSeconds;
  /** The unique id another server gave it (imports). */
  readonly uidl?: string;
  /** A mail client's own doing: it may be the copy of what was sent (operations/sent-copies.ts). */
  readonly byClient?: boolean;
  /** What a transfer knows it by; recorded in the transaction that files it. */
  readonly origin?: Origin;
}

/** Where a message came from: a transfer that is repeated finds by it what it brought before. */
export interface Origin {
  /** Which transfer; the same each time it runs. */
  readonly source: string;
  /** Which of the source's messages; never another's. */
  readonly key: string;
  /** What the source said of it, in the transfer's own words: its flags, for instance. */
  readonly note: string;
}

/** A message that a transfer brought, as it was filed. The person may have moved or removed it since. */
export interface Brought extends Origin {
  readonly mailbox: MailboxId;
  readonly uid: Uid;
}

export interface UidsAssigned {
  readonly uidvalidity: number;
  readonly uids: readonly Uid[];
}

/** Source and destination UIDs of COPY and MOVE, in the same order (RFC 4315 COPYUID). */
export interface UidsCopied extends UidsAssigned {
  readonly from: readonly Uid[];
}

export interface FlagsStored {
  readonly changed: readonly { readonly uid: Uid; readonly flags: Flags; readonly modseq: Modseq }[];
  /** UIDs left alone because they changed after `unchangedSince` (RFC 7162 3.1.3). */
  readonly modified: readonly Uid[];
}

/** What is needed to give the bytes of a message, whole or in part. */
export interface BodyRecord {
  readonly email: EmailId;
  /** Trace lines that stand before the body. */
  readonly prefix: Buffer;
  readonly body: BodyAddress;
  /** The tree of its parts; taken apart anew at each call. */
  root(): MessageAnalysis['root'];
}

/** The immutable part of a message: what FETCH needs beyond flags, size and dates. */
export interface EmailRecord extends BodyRecord {
  readonly thread: ThreadId;
  readonly sent: EpochSeconds | null;
  readonly analysis: Omit<MessageAnalysis, 'root'>;
}

/** One message of a mailbox as a view shows it. */
export interface MessageEntry {
  readonly uid: Uid;
  readonly item: ItemId;
  readonly email: EmailId;
  readonly flags: Flags;
  readonly modseq: Modseq;
  readonly size: number;
  readonly received: EpochSeconds;
  readonly saved: EpochSeconds;
}

/** Something changed in an account; sent after it is durable. What changed is read from the store. */
export interface ChangeEvent {
  readonly account: AccountId;
  readonly mailboxes: ReadonlySet<MailboxId>;
  /** The set of mailboxes itself changed. */
  readonly hierarchy: boolean;
}
