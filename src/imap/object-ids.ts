/** Object identifiers (RFC 8474): a letter that tells the kind, and our number. The text is `[A-Za-z0-9_-]{1,255}`. */
import type { EmailId, MailboxId, ThreadId } from '../store/ids.ts';

export const mailboxObjectId = (id: MailboxId): string => `M${id}`;
export const emailObjectId = (id: EmailId): string => `E${id}`;
export const threadObjectId = (id: ThreadId): string => `T${id}`;
