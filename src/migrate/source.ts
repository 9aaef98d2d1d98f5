/**
 * A mailbox on another server, as moving in reads it. IMAP and POP3 (imap-source.ts, pop3-source.ts) differ in how they tell; what is told is
 * the same. Nothing is ever changed there.
 */
import type { EpochSeconds } from '../store/ids.ts';
import type { Role } from '../store/types.ts';

export interface Source {
  /** Which transfer this is, the same each time: `imap://anna@old.example:143`. */
  readonly id: string;
  /** All folders of the person; those that were left out stand in the notes. */
  folders(): Promise<SourceFolders>;
  /** What a folder holds now, oldest first. @throws FolderUnreadable */
  list(folder: SourceFolder): Promise<Listing>;
  /** Headers, up to {@link HEADER_BYTES} of each, of the messages that are still there. */
  headers(folder: SourceFolder, messages: readonly SourceMessage[]): AsyncIterable<FetchedHeader>;
  /** Whole messages, in any order. One that can't be had costs itself alone. */
  messages(folder: SourceFolder, messages: readonly SourceMessage[]): AsyncIterable<Fetched>;
  /** Takes leave. */
  close(): Promise<void>;
  /** Breaks the connection off: whatever waits for it fails. */
  cut(): void;
}

export interface SourceFolders {
  readonly folders: readonly SourceFolder[];
  readonly notes: readonly string[];
}

export interface SourceFolder {
  /** As the source calls it, in Unicode. */
  readonly name: string;
  /** As it is called here: `/` between its parts. */
  readonly path: string;
  /** What it is used for, if the source or its name says so. */
  readonly role: Role | null;
  readonly subscribed: boolean;
}

export interface Listing {
  /** Changes when the ids begin to mean other messages: UIDVALIDITY; constant for POP3. */
  readonly generation: string;
  readonly messages: readonly SourceMessage[];
  /** False: the source says that there are more. What is not listed is not gone. */
  readonly complete: boolean;
}

export interface SourceMessage {
  /** Within its folder and generation: IMAP's UID, POP3's unique id. */
  readonly id: string;
  /** As the source says; it may be wrong. */
  readonly sizeBytes: number;
  /** INTERNALDATE; null where the source keeps none. */
  readonly received: EpochSeconds | null;
  /** Without \Recent, sorted. */
  readonly flags: readonly string[];
  /** Its unique id over POP3, by which clients know what they have. */
  readonly uidl?: string;
}

export interface FetchedHeader {
  readonly message: SourceMessage;
  readonly header: Buffer;
}

/**
 * A message that came, or why it could not. Its content must be read before the next is asked for. It may break off with {@link SourceLost} or
 * {@link SourceSaidNo} (trouble.ts): then the message comes again, or why it can't.
 */
export type Fetched =
  | { readonly message: SourceMessage; readonly content: AsyncIterable<Buffer> }
  | { readonly message: SourceMessage; readonly problem: string };

/** A folder that the source names but does not open. The others go on. */
export class FolderUnreadable extends Error {
  override readonly name = 'FolderUnreadable';
}

/** As much of a header as is ever compared. */
export const HEADER_BYTES = 128 << 10;
