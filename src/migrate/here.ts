/** The account that a move brings mail into. */
import { Refused } from '../errors.ts';
import type { MailboxView } from '../store/api.ts';
import { flagsFrom, MAX_KEYWORDS } from '../store/flags.ts';
import type { AccountId, MailboxId } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Brought, Mailbox } from '../store/types.ts';
import { FolderUnreadable, type SourceFolder } from './source.ts';

export class Here {
  readonly store: MailStore;
  readonly account: AccountId;
  readonly #source: string;
  readonly #mailboxes = new Map<string, Mailbox>();

  /** @param source  what the source is called in what is remembered of it */
  constructor(store: MailStore, account: AccountId, source: string) {
    this.store = store;
    this.account = account;
    this.#source = source;
  }

  /** What was brought from a folder, in order of key. */
  origins(group: string): AsyncGenerator<Brought, void, void> {
    return this.store.origins.of(this.account, this.#source, group);
  }

  /** The mailbox of a folder; made, with its use and its subscription, when it isn't there. */
  async mailbox({ path, role, subscribed }: SourceFolder): Promise<Mailbox> {
    const known = this.#mailboxes.get(path);
    if (known !== undefined) return known;
    const all = await this.store.mailboxes.list(this.account);
    let mailbox = all.find((each) => each.path === path && each.selectable);
    if (mailbox === undefined) {
      const free = role !== null && !all.some((each) => each.role === role);
      try {
        mailbox = await this.store.mailboxes.create(this.account, path, free ? role : undefined);
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'mailbox.forbidden') throw error;
        throw new FolderUnreadable(error.message);
      }
      if (subscribed) await this.store.mailboxes.setSubscribed(this.account, path, true);
    }
    this.#mailboxes.set(path, mailbox);
    return mailbox;
  }

  /** Undefined when the person deleted the mailbox. */
  async view(mailbox: MailboxId): Promise<MailboxView | undefined> {
    try {
      return await this.store.view({ account: this.account, mailbox });
    } catch (error) {
      if (!isGone(error)) throw error;
      return undefined;
    }
  }
}

/** Of more keywords than a message may have here, the first. */
export function flagsOf(names: readonly string[]) {
  const { bits, keywords } = flagsFrom(names);
  return { bits, keywords: keywords.slice(0, MAX_KEYWORDS) };
}

/** True of an error that says that the person deleted the mailbox. */
export function isGone(error: unknown): boolean {
  return error instanceof Refused && error.code === 'mailbox.missing';
}
