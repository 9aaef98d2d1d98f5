/** Arguments of STATUS (RFC 9051 6.3.11, RFC 3501 6.3.10, RFC 8438, RFC 7162 3.1.7, RFC 8474 4.3, RFC 7889 3.1). */
import { BadCommand } from '../../errors.ts';
import type { CommandReader } from './reader.ts';
import type { StatusItem } from './types.ts';

const ITEMS: ReadonlySet<string> = new Set<StatusItem>([
  'MESSAGES',
  'RECENT',
  'UIDNEXT',
  'UIDVALIDITY',
  'UNSEEN',
  'DELETED',
  'SIZE',
  'HIGHESTMODSEQ',
  'MAILBOXID',
  'APPENDLIMIT',
]);

export interface StatusRequest {
  readonly mailbox: string;
  readonly items: readonly StatusItem[];
}

export function statusRequest(reader: CommandReader): StatusRequest {
  const mailbox = reader.space().mailbox();
  return { mailbox, items: statusItems(reader.space()) };
}

/** `(MESSAGES UNSEEN)`, without doubles. */
export function statusItems(reader: CommandReader): readonly StatusItem[] {
  const items = new Set<StatusItem>();
  reader.list(() => {
    const item = reader.word();
    if (!ITEMS.has(item)) throw new BadCommand(`${item} is not a STATUS item we know`);
    items.add(item as StatusItem);
  });
  return [...items];
}
