/**
 * The mailbox a session has selected.
 *
 * Invariant: `view` is what the client knows: a sequence number is an index in it plus one. It is replaced only where the
 * client is told the difference (updates.ts), never in the middle of a command.
 */
import type { MailboxKey, MailboxView } from '../store/api.ts';
import type { ChangeEvent } from '../store/types.ts';
import { NumberSet } from './syntax/number-set.ts';

export class SelectedMailbox {
  readonly key: MailboxKey;
  /** Opened by EXAMINE. */
  readonly readOnly: boolean;
  /** What the client knows. */
  view: MailboxView;
  /** Keywords the client was told are in use here (RFC 9051 7.3.5, FLAGS). */
  keywords: readonly string[];
  /** Something may have changed since `view`: set by the store's events and by the session's own changes, cleared when told. */
  changed = false;
  /** Called on each change, while IDLE waits for it. */
  onChange: (() => void) | null = null;
  /** UIDs that are \Recent to this session (RFC 3501 2.3.2); kept empty in IMAP4rev2. */
  recent: NumberSet = NumberSet.EMPTY;
  /** UIDs of `$`, the saved search result (RFC 9051 6.4.4.1). */
  saved: NumberSet = NumberSet.EMPTY;
  readonly #unsubscribe: () => void;

  constructor(
    key: MailboxKey,
    readOnly: boolean,
    view: MailboxView,
    subscribe: (listener: (event: ChangeEvent) => void) => () => void,
  ) {
    this.key = key;
    this.readOnly = readOnly;
    this.view = view;
    this.keywords = view.keywords;
    this.#unsubscribe = subscribe((event) => {
      if (!event.mailboxes.has(key.mailbox)) return;
      this.changed = true;
      this.onChange?.();
    });
  }

  /** Hears of no more changes. */
  close(): void {
    this.#unsubscribe();
  }
}
