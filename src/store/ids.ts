/** Branded identifiers, so that an AccountId is never passed for a MailboxId, and the units of time. All fit in 53 bits. */

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

export type AccountId = Branded<number, 'AccountId'>;
export type MailboxId = Branded<number, 'MailboxId'>;
/** The content of a message as delivered to one account: JMAP's Email id, IMAP's EMAILID. Shared by copies. */
export type EmailId = Branded<number, 'EmailId'>;
/** One message in one mailbox: kept by MOVE and undelete, new for COPY. POP3's UIDL. */
export type ItemId = Branded<number, 'ItemId'>;
export type ThreadId = Branded<number, 'ThreadId'>;
export type SegmentId = Branded<number, 'SegmentId'>;
/** IMAP's UID: per mailbox, only ever rising. */
export type Uid = Branded<number, 'Uid'>;
/** One message on its way out, for good. */
export type QueueId = Branded<number, 'QueueId'>;
/** A message in the trace: when it came, in milliseconds times 1,024. */
export type TraceId = Branded<number, 'TraceId'>;
/** The account's counter of changes: orders every change of its mail (IMAP MODSEQ, JMAP state). */
export type Modseq = Branded<number, 'Modseq'>;

/** Seconds since 1970, UTC. */
export type EpochSeconds = number;

export function nowSeconds(): EpochSeconds {
  return Math.floor(Date.now() / 1_000);
}

export type Milliseconds = number;
