/** Opening a data directory as the server does, and reading all of it into the journal's terms. */
import { Directory } from '../../src/directory/directory.ts';
import { Refused } from '../../src/errors.ts';
import { flagNames } from '../../src/store/flags.ts';
import type { AccountId } from '../../src/store/ids.ts';
import type { Recovered } from '../../src/store/recovery.ts';
import { MailStore } from '../../src/store/store.ts';
import type { Mailbox } from '../../src/store/types.ts';
import { MAILBOXES } from './imap-mailbox.ts';
import type { AccountName, MailboxName, MailboxState, Snapshot } from './journal.ts';
import { isWhole, tokenOf } from './messages.ts';

export interface Examined {
  readonly recovered: Recovered;
  readonly snapshot: Snapshot;
  /** Of `rainmail verify`. */
  readonly findings: readonly unknown[];
}

/** @throws when the store can't be opened or read */
export async function examine(directory: string, accounts: readonly AccountName[]): Promise<Examined> {
  // The watermark keeps the store from making a reserve file, which no image needs.
  const store = await MailStore.open({ directory, command: 'test', diskWatermarkBytes: Number.MAX_SAFE_INTEGER });
  try {
    const names = await Directory.open(store.engine);
    const snapshot: Record<AccountName, Snapshot[AccountName]> = {};
    for (const name of accounts) {
      const { id } = await names.account(`${name}@office.test`);
      const mailboxes: Record<MailboxName, MailboxState> = {};
      for (const mailbox of await store.mailboxes.list(id)) {
        if (MAILBOXES.includes(mailbox.path)) mailboxes[mailbox.path] = await readMailbox(store, id, mailbox);
      }
      snapshot[name] = mailboxes;
    }
    const { findings } = await store.verify();
    return { recovered: store.recovered, snapshot, findings };
  } finally {
    await store.close();
  }
}

async function readMailbox(store: MailStore, account: AccountId, mailbox: Mailbox): Promise<MailboxState> {
  const view = await store.view({ account, mailbox: mailbox.id });
  const messages: MailboxState['messages'][number][] = [];
  for (let index = 0; index < view.length; index++) {
    const { uid, email, flags, modseq, size } = view.entry(index);
    const [record] = await store.emails(account, [email]);
    const content = [record!.prefix];
    let whole = true;
    try {
      for await (const chunk of store.bodies.chunks(account, email, record!.body)) content.push(chunk);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      whole = false; // gone, or damaged
    }
    const text = Buffer.concat(content).toString('latin1');
    messages.push({
      uid,
      token: whole ? tokenOf(text) : `(${email})`,
      flags: flagNames(flags)
        .map((flag) => flag.toLowerCase())
        .sort(),
      modseq,
      size,
      whole: whole && isWhole(text),
    });
  }
  const { uidvalidity, uidnext, modseq, total, unseen, deleted, sizeBytes } = mailbox;
  return { uidvalidity, uidnext, modseq, total, unseen, deleted, sizeBytes, messages };
}
