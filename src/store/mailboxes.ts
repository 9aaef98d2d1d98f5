/** The mailboxes of accounts (operations/mailboxes.ts): `store.mailboxes`. */
import type { MailboxKey } from './api.ts';
import { CHUNK_ROWS } from './engine/engine.ts';
import { type AccountId, type MailboxId, nowSeconds, type Uid } from './ids.ts';
import type { Messages, MessagesOptions } from './messages.ts';
import {
  assertDeletable,
  claimRecent,
  createMailbox,
  danglingSubscriptions,
  dropMailbox,
  INBOX,
  listMailboxes,
  renameMailbox,
  setSubscribed,
} from './operations/mailboxes.ts';
import { MESSAGES_ABOVE } from './operations/message-row.ts';
import { requirePlace } from './operations/place.ts';
import type { TraceBy } from './trace-types.ts';
import type { Mailbox, Role } from './types.ts';

export interface MailboxesOptions extends Omit<MessagesOptions, 'retention'> {
  /** What is done with the messages of a mailbox that goes, or gives its name away. */
  readonly messages: Pick<Messages, 'expunge' | 'move'>;
}

export class Mailboxes {
  readonly #options: MailboxesOptions;

  constructor(options: MailboxesOptions) {
    this.#options = options;
  }

  /** All mailboxes of the account, INBOX first, then in order of path. */
  list(account: AccountId): Promise<readonly Mailbox[]> {
    return this.#options.engine.read((tx) => listMailboxes(tx, account), account);
  }

  /**
   * Creates a mailbox and, where missing, those above it. `path` is Unicode with `/` between its parts.
   * @throws Refused `mailbox.exists`, `mailbox.forbidden`
   */
  async create(account: AccountId, path: string, role?: Role): Promise<Mailbox> {
    this.#options.space.assertRoom();
    return this.#options.write(async (tx) => {
      const id = await createMailbox(tx, account, path, role ?? null);
      return (await listMailboxes(tx, account)).find((mailbox) => mailbox.id === id)!;
    });
  }

  /**
   * Deletes a mailbox with its messages (they stay restorable). One with others below it stays as a place in the hierarchy.
   * @throws Refused `mailbox.missing`, `mailbox.forbidden` (INBOX), `mailbox.has-children` (already not selectable, others below)
   */
  async delete(account: AccountId, mailbox: MailboxId, by?: TraceBy): Promise<void> {
    const { engine, write, trace, messages } = this.#options;
    await engine.read((tx) => assertDeletable(tx, account, mailbox));
    const place = requirePlace(await this.list(account), mailbox);
    // Messages that arrive meanwhile are removed in the next round.
    for (;;) {
      const uids = await this.#some({ account, mailbox });
      if (uids.length > 0) await messages.expunge({ account, mailbox }, uids, { by });
      else if (await write((tx) => dropMailbox(tx, { account, mailbox, place, now: nowSeconds(), by: trace.by(by) })))
        return;
    }
  }

  /** Renames a mailbox and all below it; of INBOX it moves the messages to a new mailbox (RFC 9051 6.3.6). */
  async rename(account: AccountId, mailbox: MailboxId, path: string, by?: TraceBy): Promise<void> {
    const { write, messages } = this.#options;
    if (mailbox !== INBOX) return write((tx) => renameMailbox(tx, account, mailbox, path));
    // RFC 9051 6.3.6: INBOX stays, empty; its messages are in the new mailbox.
    const target = await this.create(account, path);
    for (;;) {
      const uids = await this.#some({ account, mailbox: INBOX });
      if (uids.length === 0) return;
      await messages.move({ account, mailbox: INBOX }, uids, { account, mailbox: target.id }, by);
    }
  }

  /** Subscribes to a name, which need not exist (RFC 9051 6.3.7). */
  setSubscribed(account: AccountId, path: string, subscribed: boolean): Promise<void> {
    return this.#options.write((tx) => setSubscribed(tx, account, path, subscribed));
  }

  /** Subscribed names that no mailbox has. */
  danglingSubscriptions(account: AccountId): Promise<readonly string[]> {
    return this.#options.engine.read((tx) => danglingSubscriptions(tx, account), account);
  }

  /** Raises \Recent's mark, so that one session alone sees each message as \Recent. @returns the mark as it was before */
  claimRecent({ account, mailbox }: MailboxKey): Promise<Uid> {
    return this.#options.write((tx) => claimRecent(tx, account, mailbox));
  }

  /** The first messages of a mailbox, a chunk of them. */
  async #some({ account, mailbox }: MailboxKey): Promise<Uid[]> {
    const rows = await this.#options.engine.read(
      async (tx) => tx.all(MESSAGES_ABOVE, account, mailbox, 0, CHUNK_ROWS),
      account,
    );
    return rows.map((row) => row[0] as Uid);
  }
}
