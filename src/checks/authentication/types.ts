/** What is found out about who sent a message. */

/** The answer of one method (RFC 8601 2.7). */
export interface Finding {
  /** `pass`, `fail`, `softfail`, `neutral`, `none`, `policy`, `temperror`, `permerror` */
  readonly result: string;
  /** As it stands in Authentication-Results: one resinfo (RFC 8601 2.2), on one line. */
  readonly row: string;
  /** Whose it is: the domain that was asked about, that signed or sealed. */
  readonly domain?: string;
  /** A signature that leaves a part of the body unsigned. */
  readonly partial?: true;
}

export interface DmarcFinding extends Finding {
  /** What the domain asks for where it fails. */
  readonly policy: 'none' | 'quarantine' | 'reject';
}

export interface ArcFinding extends Finding {
  /** A sealer that is believed says that the message passed DMARC when it came there. */
  readonly vouchedBy?: string;
}

/** Methods that were switched off are absent. */
export interface Authentication {
  readonly iprev: Finding;
  readonly spf?: Finding;
  /** One for each signature; one with the result `none` where there is no signature. */
  readonly dkim: readonly Finding[];
  readonly arc?: ArcFinding;
  readonly dmarc?: DmarcFinding;
}

/** What becomes of the message by it. */
export type Decision = 'accept' | 'junk' | 'refuse for DMARC' | 'refuse for SPF' | 'put off';
