/** Mail in files, as an import sees it: folders, whatever their format, and the messages in each. */
import { Refused } from '../errors.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { Role } from '../store/types.ts';

/** A folder of mail: a Maildir, an mbox, or a directory of single messages. */
export interface SourceFolder {
  readonly kind: 'maildir' | 'mbox' | 'eml';
  /** Absolute, without symbolic links: what was brought from it is known by this. */
  readonly path: string;
  /** Its name, with `/` between the parts; empty at the top. */
  readonly name: string;
  /** Its special use, where the source tells. */
  readonly role: Role | null;
  /** Null where the source doesn't tell. */
  readonly subscribed: boolean | null;
  /** From an export of ours: its name, special use and subscription are to be the same again. */
  readonly indexed: boolean;
  /** How many messages it has; null where only reading them would tell. */
  readonly messages: number | null;
  /** Size of the file of an mbox; else 0. */
  readonly bytes: number;
  /** Its messages, in order of arrival where the format tells. */
  read(reading: Reading): AsyncIterable<Found>;
}

export interface Reading {
  /** True for a message whose content needn't be read: it was brought before. Asked once for each that is known without reading it. */
  known(key: string, flags: readonly string[]): boolean;
  /** POP3's unique ids of messages that have none noted (uidl-format.ts); null: Dovecot's where Dovecot kept the mail. */
  readonly uidlFormat: string | null;
  /** How far the file of an mbox is read. */
  position(bytes: number): void;
}

/** Something found in a folder. */
export type Found = FoundMessage | LeftOut;

/** A message found in a file. Its content must be read before the next one is asked for. */
export interface FoundMessage {
  /** File and place, for reports. */
  readonly where: string;
  /** What it is known by in its folder; null: by its content. */
  readonly key: string | null;
  /** Its bytes with the line ends of the wire; in parts if it is large, which may fail while they are read. */
  readonly content: Buffer | AsyncIterable<Buffer>;
  /** When it was received, if the source tells. */
  readonly received: EpochSeconds | null;
  /** When its file was written: for a message that doesn't even say when it was sent. */
  readonly modified?: EpochSeconds;
  readonly flags: readonly string[];
  /** POP3's unique id, if the source tells. */
  readonly uidl: string | null;
}

/** A message that can't be brought. */
export interface LeftOut {
  readonly where: string;
  readonly reason: string;
}

/** Larger messages come in parts. */
export const WHOLE_UP_TO = 1 << 20;
/** Bytes read from a file at once. */
export const CHUNK = 1 << 18;

/** All that was found at a path. */
export interface Sources {
  readonly folders: readonly SourceFolder[];
  /** Subscribed names that no folder has. */
  readonly subscriptions: readonly string[];
  /** Directories and files that couldn't be looked at. */
  readonly leftOut: readonly LeftOut[];
}

/** An error of the file system: said of the one file it hit, never the end of a run. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && ('syscall' in error || 'path' in error);
}

/** A file's content is not what it should be; the text says why, for people. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/** Why one message can't be had, for people; undefined for an error that is not the message's. */
export function leftOutReason(error: unknown): string | undefined {
  if (error instanceof DamagedFile) return error.message;
  if (error instanceof Refused && error.code === 'message.too-large') return error.message;
  return isFileError(error) ? fileReason(error) : undefined;
}

/** Why a file can't be read, for people. */
export function fileReason(error: NodeJS.ErrnoException): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'the user that runs Rainmail may not read it',
    EPERM: 'the user that runs Rainmail may not read it',
    EIO: 'the disk it is on fails',
    EISDIR: 'it is a directory',
    ELOOP: 'its symbolic links lead in a circle',
    ENOENT: 'it is not there any more',
  };
  return `${reasons[error.code ?? ''] ?? 'it can’t be read'} (${error.code})`;
}
