/**
 * What the trace keeps: of a message that came, of what became of it on its way out, and of what was done with it in a mailbox. All of it survives
 * JSON; fields may be added, and are absent in what an older program wrote.
 */
import type { AccountId, EmailId, EpochSeconds, MailboxId, Milliseconds, QueueId, TraceId } from './ids.ts';

/** How a message came in: what the store can't know by itself. */
export interface Arrival {
  /** `append`: filed by a mail program. `queue`: it had waited for people here. `server`: written here, a report for instance. */
  readonly how: 'smtp' | 'lmtp' | 'submission' | 'import' | 'append' | 'queue' | 'server';
  /** Reverse path without angle brackets. */
  readonly sender: string;
  readonly recipients: readonly TracedRecipient[];
  /** Addresses in its From field that are not the sender's. */
  readonly authors?: readonly string[];
  /** Names it in its Received line, and in our reply to the peer. */
  readonly id?: string;
  /** The peer: its address, what it calls itself, and the TLS it came over. */
  readonly address?: string;
  readonly helo?: string;
  readonly tls?: string;
  /** Who signed in. */
  readonly account?: AccountId;
  /** To how many elsewhere who signed in sends it: they count for what one account may send. */
  readonly sends?: number;
  /** Of somebody's mail program. */
  readonly device?: string;
  /** What checks found. */
  readonly checks?: string;
}

export interface TracedRecipient {
  readonly address: string;
  /** Why it gets nothing, as the peer was told. */
  readonly refused?: string;
}

/** A message that came, with what became of it at once. */
export interface Traced extends Arrival {
  readonly sizeBytes?: number;
  /** Only where the office wants that (`[trace] subjects`). */
  readonly subject?: string;
  /** With whom it was filed. */
  readonly filed?: readonly TracedCopy[];
  /** Who could not have it, and why: a mailbox that just then became full. */
  readonly unfiled?: readonly { readonly account: AccountId; readonly text: string }[];
  /** The sender's own copy. `email` is null: their mail program had filed it before. */
  readonly sent?: { readonly account: AccountId; readonly email: EmailId | null };
  readonly queued?: readonly TracedQueued[];
  /** Nobody has it: why, as the peer was told. */
  readonly refused?: string;
  /** When it was refused; that is noted a little later. */
  readonly at?: Milliseconds;
}

export interface TracedCopy {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly email: EmailId;
}

/** A copy that leaves for other servers, or waits for room here. */
export interface TracedQueued {
  readonly queue: QueueId;
  readonly account: AccountId;
  readonly to: readonly string[];
  /** The address of ours from which it goes on, or which it was sent to; absent: it is sent from here. */
  readonly from?: string;
  /** An alias or a group leads there: of no concern to the account's person. */
  readonly shared?: true;
  /** The mailbox of the account was full: it waits for room there, while others behind the same address have theirs. */
  readonly forRoom?: true;
}

/** A row of the trace. */
export interface TraceRow {
  readonly id: TraceId;
  readonly at: Milliseconds;
  readonly messageId: string | null;
  readonly message: Traced;
}

/** What became of a message on its way out. `withdraw`, `hasten`: by who sent it; those before by an administrator. */
export type TraceEventKind =
  | 'attempt'
  | 'reported'
  | 'hold'
  | 'release'
  | 'retry'
  | 'remove'
  | 'reroute'
  | 'withdraw'
  | 'hasten';

export interface TraceEvent {
  readonly at: Milliseconds;
  readonly kind: TraceEventKind;
  readonly detail: TraceEventDetail;
}

export interface TraceEventDetail {
  /** Which message in the queue: one that came may leave as several. */
  readonly queue: QueueId;
  /** The host that was asked; absent: nobody was. */
  readonly peer?: string;
  readonly recipients?: readonly {
    readonly address: string;
    /** What became of it: `sent`, `failed`, `deferred`, `delayed`, `held`. Absent for what somebody does. */
    readonly outcome?: string;
    /** What was said of it, with the reply code. */
    readonly said?: string;
    /** The host did not say it: it is what this server has to say of the host. */
    readonly ours?: true;
  }[];
  /** Who did it. */
  readonly actor?: string;
  /** The way it is sent instead; of an attempt: `here`, where it was for people here. */
  readonly destination?: string;
}

/** What was done with mail of an account. */
export type TraceChangeKind =
  | 'retrieved'
  | 'moved'
  | 'copied'
  | 'marked' //     as \Deleted
  | 'unmarked'
  | 'removed' //    can be brought back
  | 'hidden' //     from the POP3 device that deleted it
  | 'restored'
  | 'purged' //     gone for good
  | 'imported'
  | 'unwritten' //  taken away after a crash: it had not been acknowledged
  | 'folder'; //    was deleted

export interface TraceChange {
  readonly at: Milliseconds;
  readonly kind: TraceChangeKind;
  readonly by: TraceBy;
  /** Email ids in short (number-runs.ts). */
  readonly emails: string;
  readonly detail: TraceChangeDetail;
}

export interface TraceChangeDetail {
  /** The folder it was in, and the one it is in afterwards. */
  readonly from?: MailboxId;
  readonly to?: MailboxId;
  /** What `from` was called then, where that is known. */
  readonly path?: string;
}

/** Who did something with mail. Survives structured cloning. */
export interface TraceBy {
  /** A protocol; `server`: by itself, as time went by; `admin`: an administrator. */
  readonly via: 'imap' | 'pop3' | 'server' | 'admin';
  /** The device, as its person calls it; empty: the password. Of an administrator: who it was. */
  readonly device: string;
}

export const BY_SERVER: TraceBy = { via: 'server', device: '' };

/** What is looked for. All conditions hold together. */
export interface TraceFilter {
  /** Addresses, or parts of them: a name, a domain and what is below it, or `@` and a domain. */
  readonly to?: string;
  /** The envelope's sender or an author. */
  readonly from?: string;
  readonly messageId?: string;
  /** As the Received line names it; looked for one by one. */
  readonly as?: string;
  readonly queue?: QueueId;
  readonly account?: AccountId;
  /** The address of ours, in canonical form, from which it went on to other servers. */
  readonly onFrom?: string;
  readonly since?: EpochSeconds;
  /** Not later than that. */
  readonly until?: EpochSeconds;
}
