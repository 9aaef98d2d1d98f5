/**
 * The messages a session counts from 1: all of INBOX, or what a device is to be shown of the folders that POP3 has here.
 *
 * Invariant: it never changes. Views don't, and what a device lets go meanwhile is hidden from its next session.
 */
import type { MailboxView } from '../store/api.ts';

export class MessageList {
  readonly length: number;
  readonly sizeBytes: number;
  readonly #views: readonly MailboxView[];
  /** Index in its view of each message, and which view that is; null, as in most sessions: all of the one view. */
  readonly #at: Uint32Array | null;
  readonly #of: Uint8Array | null;

  private constructor(views: readonly MailboxView[], chosen: { readonly at: number[]; readonly of: number[] } | null) {
    this.#views = views;
    this.#at = chosen === null ? null : Uint32Array.from(chosen.at);
    this.#of = chosen === null || views.length === 1 ? null : Uint8Array.from(chosen.of);
    this.length = chosen?.at.length ?? views[0]!.length;
    let bytes = 0;
    if (chosen === null) bytes = views[0]!.sizeBytes;
    else for (let index = 0; index < this.length; index += 1) bytes += this.view(index).size(this.at(index));
    this.sizeBytes = bytes;
  }

  /** Every message of one folder. */
  static whole(view: MailboxView): MessageList {
    return new MessageList([view], null);
  }

  /** The messages of these folders that `shows` picks, folder by folder. */
  static chosen(views: readonly MailboxView[], shows: (view: MailboxView, index: number) => boolean): MessageList {
    const at: number[] = [];
    const of: number[] = [];
    for (const [folder, view] of views.entries()) {
      for (let index = 0; index < view.length; index += 1) {
        if (!shows(view, index)) continue;
        at.push(index);
        of.push(folder);
      }
    }
    return new MessageList(views, { at, of });
  }

  /** The folder of a message. */
  view(index: number): MailboxView {
    return this.#views[this.#of === null ? 0 : this.#of[index]!]!;
  }

  /** Its index there. */
  at(index: number): number {
    return this.#at === null ? index : this.#at[index]!;
  }

  size(index: number): number {
    return this.view(index).size(this.at(index));
  }

  uidl(index: number): string {
    return this.view(index).uidl(this.at(index));
  }
}
