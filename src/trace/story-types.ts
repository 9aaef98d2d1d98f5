/** What became of one message, as it is told. Times as in ISO 8601. */

export interface Story {
  /** No other message has it. */
  readonly id: number;
  readonly at: string;
  readonly messageId: string | null;
  /** Reverse path; empty: nobody answers it. */
  readonly sender: string;
  /** Addresses in its From field that are not the sender's. */
  readonly authors: readonly string[];
  /** Empty for who may not see to whom else it went. */
  readonly recipients: readonly string[];
  readonly sizeBytes: number | null;
  readonly subject: string | null;
  /** In the order of time. */
  readonly events: readonly StoryEvent[];
  /** People who have it and of whom nothing is told here: too many at once. */
  readonly others: number;
}

export interface StoryEvent {
  readonly at: string;
  readonly kind: StoryEventKind;
  /** A sentence of which the message is the subject: `was filed for anna@example.org in INBOX`. */
  readonly text: string;
  /** Whose mailbox it is about. */
  readonly account?: string;
  /** Recipients it is about. */
  readonly recipients?: readonly string[];
  /** The folder it is in afterwards, or was taken out of. */
  readonly folder?: string;
  /** Over which protocol, with what device or by which administrator. */
  readonly via?: string;
  readonly device?: string;
  /** The number it has in the queue. */
  readonly queue?: number;
  /** The other server, and what it said. */
  readonly peer?: string;
  readonly said?: string;
  /** Of who brought it: the address, what it calls itself, and the TLS it came over; and how our Received line names the message. */
  readonly address?: string;
  readonly helo?: string;
  readonly tls?: string;
  readonly as?: string;
}

export type StoryEventKind =
  | 'received'
  | 'checked'
  | 'refused'
  | 'filed'
  | 'taken'
  | 'unfiled'
  | 'sent copy'
  | 'queued'
  | 'sent'
  | 'failed'
  | 'deferred'
  | 'delayed'
  | 'held'
  | 'reported'
  | 'hold'
  | 'release'
  | 'retry'
  | 'remove'
  | 'reroute'
  | 'withdraw'
  | 'hasten'
  | 'retrieved'
  | 'moved'
  | 'copied'
  | 'marked'
  | 'unmarked'
  | 'removed'
  | 'hidden'
  | 'restored'
  | 'purged'
  | 'imported'
  | 'unwritten';
