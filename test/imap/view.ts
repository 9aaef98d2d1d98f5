/** A mailbox's view made by hand, for what is pure. */
import type { MailboxView } from '../../src/store/api.ts';
import type { AccountId, MailboxId, Modseq, Uid } from '../../src/store/ids.ts';
import { paged } from '../../src/store/view/page.ts';
import { PagedView } from '../../src/store/view/view.ts';

/** Messages with these UIDs; the one of UID n has the modseq 100 + n and 100 n bytes. */
export function viewWith(uids: readonly number[]): MailboxView {
  const entries = uids.map((uid) => ({
    uid,
    item: uid,
    email: uid,
    flags: 0,
    keywords: [],
    size: 100 * uid,
    received: 0,
    saved: 0,
    modseq: 100 + uid,
    uidl: null,
  }));
  const head = {
    key: { account: 1 as AccountId, mailbox: 1 as MailboxId },
    uidvalidity: 1,
    uidnext: ((uids.at(-1) ?? 0) + 1) as Uid,
    modseq: 1_000 as Modseq,
    upTo: 1_000 as Modseq,
    sizeBytes: 0,
    unseen: uids.length,
  };
  return new PagedView(head, paged(entries));
}

/** Messages with the UIDs from 1 on. */
export function viewOf(count: number): MailboxView {
  return viewWith(Array.from({ length: count }, (_, index) => index + 1));
}
