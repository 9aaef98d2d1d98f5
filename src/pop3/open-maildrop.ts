/** What a person is shown when they have signed in: the folders the office gives to POP3, as their device has left them. */
import type { SignedIn } from '../auth/types.ts';
import type { MailboxView } from '../store/api.ts';
import type { Shown } from '../store/devices.ts';
import type { AccountId } from '../store/ids.ts';
import { INBOX } from '../store/operations/mailboxes.ts';
import type { Pop3Context } from './context.ts';
import { Maildrop } from './maildrop.ts';
import { MessageList } from './message-list.ts';

/** @param credential  which device it is */
export async function openMaildrop(
  { store, limits }: Pick<Pop3Context, 'store' | 'limits'>,
  { account: { id: account }, access, credential: { label } }: Pick<SignedIn, 'account' | 'access' | 'credential'>,
  credential: number,
): Promise<Maildrop> {
  const lease = store.leases.take(account, limits.idleTimeout);
  try {
    const shown = await store.devices.meet(account, credential);
    const { pop3: rules } = access;
    const by = { via: 'pop3', device: label } as const;
    const list = listOf(await viewsOf(store, account, rules.folders), shown);
    return new Maildrop(store, { account, list, device: shown.isAlone ? null : credential, rules, lease, by });
  } catch (error) {
    lease.end();
    throw error;
  }
}

async function viewsOf(
  store: Pick<Pop3Context['store'], 'view' | 'mailboxes'>,
  account: AccountId,
  folders: readonly string[],
): Promise<MailboxView[]> {
  if (folders.length === 1 && folders[0] === 'INBOX') return [await store.view({ account, mailbox: INBOX })];
  const mailboxes = (await store.mailboxes.list(account)).filter(({ selectable }) => selectable);
  const views: MailboxView[] = [];
  for (const path of folders) {
    const mailbox = mailboxes.find((each) => each.path === path);
    if (mailbox !== undefined) views.push(await store.view({ account, mailbox: mailbox.id }));
  }
  return views;
}

function listOf(views: readonly MailboxView[], shown: Shown): MessageList {
  const [view] = views;
  const showsAll = shown.start === 0 && shown.letGo.size === 0;
  if (view !== undefined && views.length === 1 && showsAll) return MessageList.whole(view);
  return MessageList.chosen(
    views,
    (of, index) => showsAll || (of.received(index) >= shown.start && !shown.letGo.has(of.item(index))),
  );
}
