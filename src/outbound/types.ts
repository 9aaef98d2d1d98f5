/** What sending needs of other parts, and what it tells them. */
import type { Writer } from '../store/engine/engine.ts';
import type { QueueId } from '../store/ids.ts';
import type { QueuedMessage, QueuedRecipient, Report } from '../store/queue.ts';
import type { WayExplained } from './explain.ts';
import type { PeerReply } from './peer.ts';
import type { TlsKind } from './tls/protection.ts';

/** What became of a recipient. */
export interface RecipientOutcome {
  readonly recipient: QueuedRecipient;
  /** `delayed`: it waits for long, and goes on waiting. */
  readonly kind: 'sent' | 'failed' | 'deferred' | 'delayed' | 'held';
  /** What the peer, or the network, said last. */
  readonly said: PeerReply;
  /** Who said it, or of whom it is said: the host's name and address; empty: it is about none. */
  readonly peer: string;
  /** Nobody was asked now: what was said before holds, or what an administrator says. */
  readonly unasked?: true;
  /** The peer takes over what the sender wants to hear (RFC 3461 5.2.1). */
  readonly relaysNotices: boolean;
  /** How the connection was protected; absent: there was none that would take mail. */
  readonly tls?: TlsKind;
}

/** Tells senders what became of their mail. */
export interface Reporter {
  /** @returns undefined when nobody wants to hear of it, or nobody may (the null sender) */
  report(message: QueuedMessage, outcomes: readonly RecipientOutcome[]): Promise<Report | undefined>;
}

/** Signs what leaves. */
export interface Signer {
  /**
   * @param read  reads the message from its first byte, as it leaves
   * @returns header lines that go before it, each ended by CRLF
   */
  sign(message: QueuedMessage, read: () => AsyncIterable<Buffer>): Promise<Buffer>;
}

/** What became of a recipient, as it is told of. */
export interface OutcomeTold extends RecipientOutcome {
  /** What was said, in one line; where nobody was asked now, with who said it. */
  readonly line: string;
}

/** Remembers what became of mail, in the transaction that settles it. */
export type RecordOutcomes = (tx: Writer, message: QueuedMessage, outcomes: readonly OutcomeTold[]) => Promise<void>;

/** Whether a connection is trying a recipient just now: what comes of that nobody knows yet. */
export type IsTried = (recipient: Pick<QueuedRecipient, 'number' | 'destination'>) => boolean;

/** What others need of the part that sends the queue. */
export interface Sending {
  /** What waits was changed: looks what is due. */
  wake(): void;
  triedOf(id: QueueId): IsTried;
  /** Does something with a message while no connection begins to send it. @param act  is told whom connections are trying already */
  setAside<T>(id: QueueId, act: (isTried: IsTried) => Promise<T>): Promise<T>;
  /** True for a route that is configured, by its name as a destination. */
  hasRoute(destination: string): boolean;
  readonly reporter: Reporter;
  /** What would be done with mail for a domain. @param connect  tries it, up to where a message would be given */
  explain(address: string, connect: boolean, signal: AbortSignal): Promise<WayExplained>;
}
