/** Where suspicious mail is filed. */
import type { Store } from '../store/api.ts';
import type { AccountId, MailboxId } from '../store/ids.ts';
import type { Recipient } from './in-delivery.ts';

/** The Junk folder of each of them; whoever has none is not in it, and finds such mail in INBOX. */
export async function junkFolders(
  store: Pick<Store, 'mailboxes'>,
  recipients: readonly Recipient[],
): Promise<ReadonlyMap<AccountId, MailboxId>> {
  const folders = new Map<AccountId, MailboxId>();
  for (const { accounts } of recipients) {
    for (const { id } of accounts) {
      if (folders.has(id)) continue;
      const junk = (await store.mailboxes.list(id)).find(({ role, selectable }) => role === 'junk' && selectable);
      if (junk !== undefined) folders.set(id, junk.id);
    }
  }
  return folders;
}
