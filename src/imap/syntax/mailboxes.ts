/** Arguments of the commands that manage mailboxes (RFC 9051 6.3). */
import { BadCommand } from '../../errors.ts';
import type { CommandReader } from './reader.ts';
import type { CreateRequest, SelectRequest } from './types.ts';

const MAX_USES = 10;

/** ` INBOX (CONDSTORE)`, for SELECT and EXAMINE (RFC 7162 3.1.8). */
export function selectRequest(reader: CommandReader): SelectRequest {
  const mailbox = reader.space().mailbox();
  if (!reader.skip(' ')) return { mailbox, condstore: false };
  reader.list(() => {
    if (!reader.skipWord('CONDSTORE')) throw reader.expected('CONDSTORE');
  });
  return { mailbox, condstore: true };
}

/** ` Sent (USE (\Sent))` (RFC 6154 3). */
export function createRequest(reader: CommandReader): CreateRequest {
  // A separator at the end says that mailboxes below are to come (RFC 9051 6.3.4): nothing that we must know.
  const mailbox = reader.space().mailbox().replace(/\/$/, '');
  if (mailbox === '') throw new BadCommand('a mailbox has a name');
  const uses: string[] = [];
  if (reader.skip(' ')) {
    reader.list(() => {
      if (!reader.skipWord('USE')) throw reader.expected('USE');
      uses.push(...reader.space().list(() => reader.attribute(), true));
    });
    if (uses.length > MAX_USES) throw new BadCommand('too many uses');
  }
  return { mailbox, uses };
}

/** ` old new`, for RENAME. */
export function renameRequest(reader: CommandReader): { readonly from: string; readonly to: string } {
  const from = reader.space().mailbox();
  return { from, to: reader.space().mailbox() };
}

/** One mailbox. */
export function mailboxArgument(reader: CommandReader): string {
  return reader.space().mailbox();
}
