/**
 * What is worked out about a message once, when it enters the store, so that FETCH, SORT, THREAD and JMAP never parse
 * it again. All offsets are in bytes from the first byte of the message as analysed.
 *
 * Bump {@link ANALYSIS_FORMAT} when anything here changes its meaning: each row carries the number it was analysed with, by which the
 * version that first changes it finds the older ones.
 */
export const ANALYSIS_FORMAT = 1;

/** One MIME entity (RFC 2045): the message itself, a part of a multipart, or the message in a message/rfc822. */
export interface Part {
  /** Where the entity's header begins, where its body begins (after the blank line), and where its body ends (the boundary's CRLF excluded). */
  readonly header: number;
  readonly body: number;
  readonly end: number;
  /** Content-Type, lower case: `text`, `plain`. Broken or absent: text/plain (RFC 2045 5.2), message/rfc822 within multipart/digest. */
  readonly type: string;
  readonly subtype: string;
  /** Content-Type parameters, names lower case, RFC 2231 continuations joined and decoded to Unicode. */
  readonly params: readonly (readonly [name: string, value: string])[];
  /** Content-Transfer-Encoding, lower case; `7bit` when absent. */
  readonly encoding: string;
  readonly disposition?: string;
  readonly dispositionParams?: readonly (readonly [name: string, value: string])[];
  /** Content-ID with its angle brackets. */
  readonly id?: string;
  /** Lines of the body, for text and message/rfc822 (RFC 9051 7.5.2). */
  readonly lines?: number;
  /** Of a multipart: its parts. Of a message/rfc822 (or message/global): exactly one, the message within. */
  readonly parts?: readonly Part[];
}

export interface MessageAnalysis {
  readonly size: number;
  /** ENVELOPE in IMAP syntax, from the opening to the closing parenthesis, one character a byte (latin1). Literals for what quoting can't carry. */
  readonly envelope: string;
  /** BODYSTRUCTURE (with extension data) in IMAP syntax, one character a byte. */
  readonly bodyStructure: string;
  readonly root: Part;
  /** Message-ID, In-Reply-To and References as they identify messages: without angle brackets, in order, no doubles; bounded. */
  readonly messageId: string | null;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
  /** Decoded (RFC 2047), for people and for sorting. */
  readonly subject: string;
  /** RFC 5256 2.1 base subject, upper-cased for comparing. */
  readonly baseSubject: string;
  /** The Date field in seconds since 1970, or null when absent or unreadable. */
  readonly sent: number | null;
  /** The first mailbox of From, To and Cc (RFC 5256 SORT keys), lower case; DISPLAYFROM and DISPLAYTO (RFC 5957). */
  readonly sortFrom: string;
  readonly sortTo: string;
  readonly sortCc: string;
  readonly displayFrom: string;
  readonly displayTo: string;
  /** The first words of the text for lists, at most 256 characters, white space folded (RFC 8970). */
  readonly preview: string;
  readonly hasAttachment: boolean;
}
