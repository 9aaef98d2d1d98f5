/** The store as protocols, delivery and commands use it. `src/store/store.ts` implements it. */
import type { EmailBodies } from './email-bodies.ts';
import type { AccountId, EmailId, ItemId, MailboxId, Modseq, Uid } from './ids.ts';
import type { Mailboxes } from './mailboxes.ts';
import type { Messages } from './messages.ts';
import type { QueuePlace, Report } from './queue.ts';
import type { Trace } from './trace.ts';
import type { Arrival, TraceBy } from './trace-types.ts';
import type {
  Appended,
  BodyRecord,
  ChangeEvent,
  DeliveryTarget,
  EmailRecord,
  Filed,
  MessageEntry,
  MessageStage,
  Outbound,
  SentTarget,
  StagedMessage,
  UidsAssigned,
} from './types.ts';

/** Which mailbox of whom. */
export interface MailboxKey {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
}

/**
 * What a mailbox holds, at one moment: packed, immutable, shared by every session that has it open. Messages stand in UID
 * order; `index` counts from 0, so an IMAP sequence number is index + 1. A session keeps the version it has told its client
 * about and compares it with the newest ({@link MailboxView.changesTo}).
 */
export interface MailboxView {
  readonly key: MailboxKey;
  readonly uidvalidity: number;
  readonly uidnext: Uid;
  readonly modseq: Modseq;
  readonly length: number;
  readonly sizeBytes: number;
  readonly unseen: number;
  /** Keywords beyond the common ones that occur here. */
  readonly keywords: readonly string[];

  uid(index: number): Uid;
  flagBits(index: number): number;
  keywordsOf(index: number): readonly string[];
  size(index: number): number;
  modseqOf(index: number): Modseq;
  email(index: number): EmailId;
  item(index: number): ItemId;
  received(index: number): number;
  saved(index: number): number;
  /** POP3's unique id: the one another server gave it (imports), else the item id as text. */
  uidl(index: number): string;
  /** All of the above as one object: for code that is not hot. */
  entry(index: number): MessageEntry;
  /** Index of the message with this UID, or -1. */
  indexOf(uid: number): number;
  /** Index of the first message whose UID is not below this: `length` when there is none. */
  lowerBound(uid: number): number;
  /** The first message without \Seen, or -1. */
  firstUnseen(): number;

  /** What a client that knows this version must hear to know `newer`. Cheap: what both share is skipped. */
  changesTo(newer: MailboxView): ViewChanges;
  /**
   * `newer`, with the messages of this version that it lacks kept as ghosts: for a session that may not yet be told of
   * removals (RFC 9051 7.5.1). A ghost's data is as it was; its body may be gone.
   */
  withGhosts(newer: MailboxView): MailboxView;
  /** True for a message that is only kept by {@link withGhosts}. */
  isGhost(index: number): boolean;
}

export interface ViewChanges {
  /** Indexes in the OLDER version of messages that are gone, ascending. */
  readonly vanished: readonly number[];
  /** Indexes in the NEWER version of messages of both whose flags or modseq differ, ascending. */
  readonly changed: readonly number[];
  /** Index in the NEWER version of the first message that the older one did not have; `newer.length` when none. */
  readonly firstNew: number;
}

/** What is filed in the transaction of a delivery. */
export interface AlsoFiled {
  readonly sent?: SentTarget | undefined;
  readonly outbound?: readonly Outbound[];
  /** Tells the sender that everybody has it: nobody hears of it when somebody was refused. */
  readonly report?: Report | undefined;
  /** Who waited for it in the queue, and does no more. */
  readonly arrives?: readonly QueuePlace[] | undefined;
  /** How it came, for the trace; absent: the server wrote it. */
  readonly arrival?: Arrival | undefined;
}

export interface Store {
  readonly mailboxes: Mailboxes;
  readonly messages: Messages;
  readonly bodies: EmailBodies;

  // ---- reading ---------------------------------------------------------------------------------------------------
  /** The newest durable view. @throws Refused `mailbox.missing` */
  view(key: MailboxKey): Promise<MailboxView>;
  /** Metadata of emails, in the order asked for; at most PAGE_ROWS at a time. Those that are gone are left out. */
  emails(account: AccountId, emails: readonly EmailId[]): Promise<readonly EmailRecord[]>;
  /** As {@link emails}, but only what is needed to give their bytes: cheaper. */
  bodyRecords(account: AccountId, emails: readonly EmailId[]): Promise<readonly BodyRecord[]>;
  /** UIDs removed since a modseq (QRESYNC), or null when that is too long ago to know. */
  expungedSince(key: MailboxKey, modseq: Modseq): Promise<readonly Uid[] | null>;

  // ---- taking in; `by` says who does it, for the trace: absent, the server ------------------------------------------
  /**
   * Takes a message in.
   * @param limit  bytes; more throws Refused `message.too-large` from write
   * @param options  `whenLow`: also on a disk that is nearly full, for what is small and has to be said
   * @throws Refused `store.full`
   */
  stage(limit: number, options?: { readonly whenLow?: boolean }): MessageStage;
  /** The bytes of a message that was taken in whole and not filed yet, in pieces of up to 64 KB. @throws Refused `message.damaged` */
  staged(message: StagedMessage): AsyncGenerator<Buffer, void, void>;
  /** A message that was taken in whole is filed with nobody after all. Without effect on one that was filed. */
  discard(message: StagedMessage): void;
  /**
   * Files one message with many people: one transaction, one body. Resolves when durable. Whose quota it would exceed (or whose
   * mailbox is gone) is left out, with the refusal in their place; a target that `waits` for room does so in the queue, when somebody has it. When somebody has it, `sent` has it too: the sender's own copy, unless
   * a client has filed one before. With `outbound` it waits in the queue from then on, too ({@link MailStore.queue}); then it is filed with all
   * or with nobody. @throws Refused `store.full`, `store.failed`; with `outbound` what a target would be refused for
   */
  deliver(message: StagedMessage, targets: readonly DeliveryTarget[], also?: AlsoFiled): Promise<Filed>;
  /** Adds messages to a mailbox, all or none (MULTIAPPEND). @throws Refused `quota.exceeded`, `mailbox.missing`, `transfer.busy` */
  append(key: MailboxKey, messages: readonly Appended[], by?: TraceBy): Promise<UidsAssigned>;

  /** What became of messages; sessions tell it what was retrieved. */
  readonly trace: Pick<Trace, 'retrieved'>;

  // ---- hearing of changes ----------------------------------------------------------------------------------------
  /** Calls the listener after each durable change of the account, coalesced by turn. @returns a function that stops it */
  subscribe(account: AccountId, listener: (event: ChangeEvent) => void): () => void;

  /** Storage limits and use of an account. */
  usage(
    account: AccountId,
  ): Promise<{ readonly usedBytes: number; readonly messages: number; readonly quotaBytes: number | null }>;
}

export interface BodyChunksOptions {
  /** Bytes of the body to begin and to end with: from 0 to its length if absent. */
  readonly from?: number;
  readonly to?: number;
  /** A chunk is valid only until the next is asked for, so that memory stays flat however large the body: see LineConnection.flushed. */
  readonly reuse?: boolean;
}

/** A body that can't be given, in the place of its bytes: `message.gone` or `message.damaged`. */
export type Refusal = import('../errors.ts').Refused;

/** Bodies larger than this are never held whole in memory. */
export const STREAM_ABOVE = 1 << 20;
