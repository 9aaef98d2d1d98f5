/** A mailbox on its way into files, as the writers of each format see it. */
import type { MailboxView, Store } from '../store/api.ts';
import type { LostMessage } from './export-messages.ts';

export interface ExportFolder {
  readonly store: Store;
  /** Of the mailbox, whole. */
  readonly name: string;
  /** Absolute: the directory of a Maildir or of .eml files; the file of an mbox. */
  readonly directory: string;
  readonly view: MailboxView;
  /** Of the messages that are wanted, in the view, ascending. */
  readonly indexes: readonly number[];
  /** Keep CRLF in the files. */
  readonly crlf: boolean;
  readonly signal: AbortSignal;
  readonly report: FolderExported;
  /** A message is written, or was before. */
  done(): void;
  /** A message's bytes can't be had; it is left out. */
  lost(message: LostMessage): void;
}

/** A mailbox of the account against its files. */
export interface FolderExported {
  readonly folder: string;
  /** Relative to the export. */
  readonly path: string;
  /** In the account, of those wanted. */
  readonly messages: number;
  /** By this run, and their bytes. */
  written: number;
  bytes: number;
  /** By runs before. */
  before: number;
  leftOut: number;
}
