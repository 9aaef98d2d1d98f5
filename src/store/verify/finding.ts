/** Something that is not as it must be, told to an administrator: what is wrong, and where. */
export interface Finding {
  /** The account's address, or none for the installation as a whole. */
  readonly account?: string;
  readonly mailbox?: string;
  readonly uid?: number;
  /** What is wrong: stable codes, so that scripts can tell them apart. */
  readonly code: FindingCode;
  readonly text: string;
}

export type FindingCode =
  | 'database' //  the database's file itself, or rows that no longer have the shape of their table
  | 'account' //   mail whose account has no row
  | 'mailbox' //   a folder's name, parent or numbers
  | 'count' //     a count that is not what it counts
  | 'uid' //       UIDs and the folder's next one
  | 'modseq' //    modseqs and the account's
  | 'item' //      ids that must be unique and below the account's next one
  | 'email' //     a message and its content's row
  | 'thread' //    a message that later ones of its conversation would not find
  | 'removed' //   tombstones
  | 'queue' //     mail on its way out that would never be tried
  | 'analysis' //  what was worked out about a message is not what its bytes say
  | 'body' //      bytes that are lost or changed: only a backup has them
  | 'segment'; //  bookkeeping of the segments' space

/** True when `rainmail verify --repair` can set it right from what is there. */
export function isMendable(finding: Finding): boolean {
  return finding.code !== 'body';
}
