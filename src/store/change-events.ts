/** Tells those who listen that an account has changed, once it is durable. What changed they read from the store. */
import type { Change } from './engine/engine.ts';
import type { AccountId, MailboxId } from './ids.ts';
import type { ChangeEvent } from './types.ts';

type Listener = (event: ChangeEvent) => void;

export class ChangeEvents {
  readonly #listeners = new Map<AccountId, Set<Listener>>();

  /** @returns a function that stops it */
  subscribe(account: AccountId, listener: Listener): () => void {
    let listeners = this.#listeners.get(account);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(account, listeners);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(account) === listeners) this.#listeners.delete(account);
    };
  }

  /** One event for each account, whatever number of changes became durable together. Listeners only take note: they must not throw. */
  broadcast(changes: readonly Change[]): void {
    if (this.#listeners.size === 0) return;
    const events = new Map<AccountId, { mailboxes: Set<MailboxId>; hierarchy: boolean }>();
    for (const { account, mailbox, mailboxes } of changes) {
      if (!this.#listeners.has(account)) continue;
      let event = events.get(account);
      if (event === undefined) {
        event = { mailboxes: new Set(), hierarchy: false };
        events.set(account, event);
      }
      if (mailbox !== undefined) event.mailboxes.add(mailbox);
      if (mailboxes === true) event.hierarchy = true;
    }
    for (const [account, event] of events) {
      for (const listener of this.#listeners.get(account) ?? []) listener({ account, ...event });
    }
  }
}
