/** Reading, over IMAP, all that everybody has. */
import type { ImapDevice } from '../helpers/line-client.ts';
import type { TrialOffice } from '../helpers/office.ts';
import { readAccount, signIn } from './imap-mailbox.ts';
import type { AccountName, Snapshot } from './journal.ts';
import { PEOPLE, READERS } from './load.ts';
import type { Model } from './model.ts';

/**
 * @param thoroughly  compares the bytes of all messages, not only of those that the model does not know
 * @returns with what is there the sessions of those who go on reading
 */
export async function readEverything(
  office: TrialOffice,
  model: Model,
  thoroughly: boolean,
): Promise<{ snapshot: Snapshot; sessions: Map<AccountName, ImapDevice> }> {
  const snapshot: Record<AccountName, Snapshot[AccountName]> = {};
  const sessions = new Map<AccountName, ImapDevice>();
  const readOne = async (account: AccountName): Promise<void> => {
    const session = await signIn(office, account);
    snapshot[account] = await readAccount(session, (mailbox, uid) => !thoroughly && model.knows(account, mailbox, uid));
    if (READERS.includes(account)) sessions.set(account, session);
    else session.close();
  };
  await Promise.all(PEOPLE.map(readOne));
  return { snapshot, sessions };
}
