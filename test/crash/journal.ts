/**
 * What the clients of the load asked, heard and saw, in order. The journal is the truth that the server is held to: its events are all that
 * the model (model.ts) knows.
 */
import type { Token } from './messages.ts';

export type AccountName = string;
export type MailboxName = string;

export interface SeenMessage {
  readonly uid: number;
  readonly token: Token;
  /** Sorted, lower case, without \Recent. */
  readonly flags: readonly string[];
  readonly modseq: number;
}

/** A change that one account asked for. It happens wholly or not at all. */
export type Change =
  | {
      readonly kind: 'append';
      readonly mailbox: MailboxName;
      readonly messages: readonly { readonly token: Token; readonly flags: readonly string[] }[];
    }
  | {
      readonly kind: 'flags';
      readonly mailbox: MailboxName;
      readonly uids: readonly number[];
      readonly add: boolean;
      readonly flags: readonly string[];
    }
  | {
      readonly kind: 'copy' | 'move';
      readonly mailbox: MailboxName;
      readonly uids: readonly number[];
      readonly to: MailboxName;
    }
  | { readonly kind: 'expunge'; readonly mailbox: MailboxName; readonly uids: readonly number[] }
  /** POP3: DELE of each, then QUIT. */
  | { readonly kind: 'quit'; readonly tokens: readonly Token[] };

export interface MailboxState {
  readonly uidvalidity: number;
  readonly uidnext: number;
  readonly modseq: number;
  readonly total: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly sizeBytes: number;
  readonly messages: readonly (SeenMessage & {
    readonly size: number;
    /** Its bytes are those of its token; undefined when they were not read. */
    readonly whole: boolean | undefined;
  })[];
}

/** Everything that is there. */
export type Snapshot = Readonly<Record<AccountName, Readonly<Record<MailboxName, MailboxState>>>>;

export type Event =
  /** A message is handed over by LMTP, or about to be. */
  | { readonly event: 'sent'; readonly token: Token; readonly to: readonly AccountName[] }
  /** It was acknowledged for every recipient. */
  | { readonly event: 'taken'; readonly token: Token }
  | { readonly event: 'asked'; readonly account: AccountName; readonly change: Change }
  /** The change was acknowledged; `uids` of the messages it made, in order. */
  | { readonly event: 'done'; readonly account: AccountName; readonly uids: readonly number[] }
  /** A session was shown this. */
  | {
      readonly event: 'seen';
      readonly account: AccountName;
      readonly mailbox: MailboxName;
      readonly uidvalidity: number;
      readonly uidnext: number;
      readonly modseq: number;
      readonly messages: readonly SeenMessage[];
    }
  /** A POP3 session was shown these messages. */
  | {
      readonly event: 'listed';
      readonly account: AccountName;
      readonly messages: readonly { readonly uidl: string; readonly token: Token }[];
    }
  /** After a restart everything was read. */
  | { readonly event: 'restarted'; readonly snapshot: Snapshot };

export interface Journal {
  write(event: Event): void;
}
