/**
 * What the arguments of commands mean, after parsing: plain values without any I/O or session in them.
 *
 * Text that the client sent in bytes of an unknown charset (search strings) stays bytes; mailbox names are Unicode already.
 */
import type { FlagChange, Flags } from '../../store/flags.ts';
import type { EpochSeconds, Modseq } from '../../store/ids.ts';

/** The bound `*` of a set: the largest number in use (RFC 9051 9, seq-number). Beyond every real number. */
export const STAR = 2 ** 32;

/**
 * A set of message numbers as the client wrote it: ranges that may contain `*`, or `$`, the saved result of a search
 * (RFC 9051 6.4.4.1). `bounds` has two numbers a range, in the order written; resolve them by `NumberSet.resolve`.
 */
export type SequenceSet = { readonly kind: 'ranges'; readonly bounds: readonly number[] } | { readonly kind: 'saved' };

/** The same, of UIDs. */
export type UidSet = SequenceSet;

// ---- FETCH -----------------------------------------------------------------------------------------------------------

/** Items without arguments. `BODY` is the structure without extension data. */
export type SimpleFetchItem =
  | 'FLAGS'
  | 'UID'
  | 'INTERNALDATE'
  | 'RFC822.SIZE'
  | 'ENVELOPE'
  | 'BODY'
  | 'BODYSTRUCTURE'
  | 'MODSEQ'
  | 'EMAILID'
  | 'THREADID';

/** `<offset.length>`: at most `length` bytes from `offset` (RFC 9051 6.4.5). */
export interface Partial {
  readonly offset: number;
  readonly length: number;
}

/** What of an entity BODY[...] asks for. */
export type SectionText =
  | { readonly kind: 'all' } //     BODY[] or BODY[1.2]: the whole message, or the part's body
  | { readonly kind: 'header' } //  HEADER, of the message or of a message/rfc822 part
  | { readonly kind: 'text' } //    TEXT
  | { readonly kind: 'mime' } //    MIME: the part's own header
  | { readonly kind: 'fields'; readonly names: readonly string[]; readonly not: boolean }; // names lower case

export interface Section {
  /** Part numbers from 1; empty for the message itself. */
  readonly part: readonly number[];
  readonly text: SectionText;
}

export type FetchItem =
  | { readonly item: SimpleFetchItem }
  /** BODY[...], RFC822, RFC822.HEADER, RFC822.TEXT. `label`: the name under which it is answered, with `<offset>` when partial. */
  | {
      readonly item: 'SECTION';
      readonly label: string;
      readonly section: Section;
      readonly peek: boolean;
      readonly partial: Partial | null;
    }
  /** BINARY[...] (RFC 3516, RFC 9051 6.4.5). */
  | {
      readonly item: 'BINARY';
      readonly label: string;
      readonly part: readonly number[];
      readonly peek: boolean;
      readonly partial: Partial | null;
    }
  | { readonly item: 'BINARY.SIZE'; readonly label: string; readonly part: readonly number[] };

export interface FetchRequest {
  readonly set: SequenceSet;
  /** Macros are expanded; doubles are left out. */
  readonly items: readonly FetchItem[];
  /** CHANGEDSINCE (RFC 7162 3.1.4.1). */
  readonly changedSince: Modseq | null;
}

// ---- STORE -----------------------------------------------------------------------------------------------------------

export interface StoreRequest {
  readonly set: SequenceSet;
  readonly change: FlagChange;
  readonly silent: boolean;
  /** UNCHANGEDSINCE (RFC 7162 3.1.3). */
  readonly unchangedSince: Modseq | null;
}

// ---- SEARCH ----------------------------------------------------------------------------------------------------------

/** The start of a day, in UTC: SEARCH compares days without regard to time and zone (RFC 9051 6.4.4). */
export type Day = EpochSeconds;

export type SearchKey =
  | { readonly key: 'all' }
  | { readonly key: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly key: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly key: 'not'; readonly of: SearchKey }
  | { readonly key: 'sequence'; readonly set: SequenceSet }
  | { readonly key: 'uid'; readonly set: UidSet }
  /** SEEN, UNSEEN, KEYWORD x, UNKEYWORD x...: one flag that must be there, or must not (`present` false). */
  | { readonly key: 'flag'; readonly flag: Flags; readonly present: boolean }
  /** RECENT; OLD is its NOT, NEW is RECENT and UNSEEN (RFC 3501 6.4.4). */
  | { readonly key: 'recent' }
  | { readonly key: 'bcc' | 'cc' | 'from' | 'to' | 'subject' | 'body' | 'text'; readonly text: Buffer }
  /** `name` lower case; an empty text asks whether the field is there. */
  | { readonly key: 'header'; readonly name: string; readonly text: Buffer }
  | { readonly key: 'larger' | 'smaller'; readonly bytes: number }
  | { readonly key: 'before' | 'on' | 'since' | 'sentbefore' | 'senton' | 'sentsince'; readonly day: Day }
  /** RFC 5032. */
  | { readonly key: 'older' | 'younger'; readonly seconds: number }
  /** RFC 7162 3.1.5; the entry name and type are accepted and have no meaning here: modseqs are per message. */
  | { readonly key: 'modseq'; readonly modseq: Modseq }
  /** RFC 8474 6; the id as the client gave it. */
  | { readonly key: 'emailid' | 'threadid'; readonly id: string };

/** RETURN options (RFC 4731, RFC 5182). */
export interface SearchReturn {
  readonly min: boolean;
  readonly max: boolean;
  readonly count: boolean;
  readonly all: boolean;
  readonly save: boolean;
}

export interface SearchRequest {
  /** Null: no RETURN was given. `RETURN ()` is ALL (RFC 4731 3.1). */
  readonly returns: SearchReturn | null;
  /** As the client named it; null when it didn't. */
  readonly charset: string | null;
  readonly key: SearchKey;
}

// ---- mailboxes -------------------------------------------------------------------------------------------------------

export interface SelectRequest {
  readonly mailbox: string;
  /** The CONDSTORE parameter (RFC 7162 3.1.8). */
  readonly condstore: boolean;
}

export interface CreateRequest {
  readonly mailbox: string;
  /** Attributes of USE, as given (RFC 6154 3): `\\Sent`. */
  readonly uses: readonly string[];
}

export type StatusItem =
  | 'MESSAGES'
  | 'RECENT'
  | 'UIDNEXT'
  | 'UIDVALIDITY'
  | 'UNSEEN'
  | 'DELETED'
  | 'SIZE'
  | 'HIGHESTMODSEQ'
  | 'MAILBOXID'
  | 'APPENDLIMIT';

/** LIST, basic and extended (RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154). */
export interface ListRequest {
  readonly reference: string;
  readonly patterns: readonly string[];
  /** False for the two arguments of old: an empty pattern then asks for the hierarchy separator. */
  readonly extended: boolean;
  readonly select: {
    readonly subscribed: boolean;
    readonly remote: boolean;
    readonly recursiveMatch: boolean;
    readonly specialUse: boolean;
  };
  readonly returns: {
    readonly subscribed: boolean;
    readonly children: boolean;
    readonly specialUse: boolean;
    readonly status: readonly StatusItem[] | null;
  };
}

// ---- APPEND ----------------------------------------------------------------------------------------------------------

/** A literal that the client announces: `{310}`, `{310+}`, `~{310}` (RFC 9051 4.3, RFC 7888, RFC 3516). */
export interface Literal {
  readonly size: number;
  /** The client waits for our continuation request. */
  readonly synchronizing: boolean;
  /** literal8: may contain NUL. */
  readonly binary: boolean;
}

/** One message of APPEND, up to its literal. */
export interface AppendMessage {
  readonly flags: Flags;
  /** INTERNALDATE; null when not given. */
  readonly received: EpochSeconds | null;
  readonly literal: Literal;
}

export interface AppendRequest {
  readonly mailbox: string;
  readonly first: AppendMessage;
}
