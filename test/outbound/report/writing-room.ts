/** A store with people in it, and what tells them of their mail: reports as they stand in the INBOX. */
import type { TestContext } from 'node:test';
import type { Language } from '../../../src/config/languages.ts';
import { Directory } from '../../../src/directory/directory.ts';
import { Reports, type ReportsOptions } from '../../../src/outbound/report/reporter.ts';
import type { RecipientOutcome } from '../../../src/outbound/types.ts';
import { srsOf } from '../../../src/signing/signing.ts';
import { type AccountId, nowSeconds, type QueueId } from '../../../src/store/ids.ts';
import type { QueuedRecipient } from '../../../src/store/queue.ts';
import type { MailStore } from '../../../src/store/store.ts';
import type { Outbound, OutboundRecipient } from '../../../src/store/types.ts';
import { bytesOf, inboxOf, message, stage, temporaryStore, uidsIn } from '../../store/helpers.ts';

const DAY = 86_400;

export interface Sent {
  readonly to: readonly (string | (Partial<OutboundRecipient> & { readonly address: string }))[];
  /** The message; one about an offer if absent. */
  readonly bytes?: Buffer;
  readonly outbound?: Partial<Outbound>;
}

export class WritingRoom {
  readonly store: MailStore;
  readonly directory: Directory;
  readonly reports: Reports;
  readonly #ids = new Map<string, AccountId>();
  #language: Language = 'en';

  private constructor(store: MailStore, directory: Directory, options: Partial<ReportsOptions>) {
    this.store = store;
    this.directory = directory;
    this.reports = new Reports({
      hostname: 'mail.office.test',
      store,
      directory,
      languageOf: () => this.#language,
      isThere: async (account) => (await directory.accountOf(account)) !== undefined,
      language: 'en',
      outgoing: {
        destinationOf: (address) => address.slice(address.indexOf('@') + 1),
        times: (from) => ({ warn: from, expires: from + 5 * DAY }),
      },
      originalSender: (path) => srsOf(directory).reverse(path),
      giveUp: 5 * DAY * 1_000,
      ...options,
    });
  }

  static async open(t: TestContext, options: Partial<ReportsOptions> = {}): Promise<WritingRoom> {
    const store = await temporaryStore(t);
    const directory = await Directory.open(store.engine);
    const room = new WritingRoom(store, directory, options);
    for (const person of ['anna', 'ben']) await room.join(`${person}@office.test`, `${person} at the office`);
    return room;
  }

  async join(address: string, displayName: string): Promise<void> {
    const by = this.directory.by('the test');
    await by.accounts.add({
      address,
      displayName,
      password: 'correct horse battery',
      quotaBytes: null,
      makeDomain: true,
    });
    this.#ids.set(address, (await this.directory.account(address)).id);
  }

  id(address: string): AccountId {
    return this.#ids.get(address)!;
  }

  speak(language: Language): void {
    this.#language = language;
  }

  /** Puts a message of Anna's into the queue. */
  async send({ to, bytes = message('Offer'), outbound = {} }: Sent): Promise<QueueId> {
    const recipients = to.map((each) => {
      const { address, ...more } = typeof each === 'string' ? { address: each } : each;
      return { address, destination: address.slice(address.indexOf('@') + 1), ...more };
    });
    const expires = nowSeconds() + 5 * DAY;
    const own = { account: this.id('anna@office.test'), sender: 'anna@office.test', recipients, expires };
    const staged = await stage(this.store, bytes);
    const { queued } = await this.store.deliver(staged, [], { outbound: [{ ...own, ...outbound }] });
    return queued[0]!;
  }

  /** Settles all of a message's recipients that are left as the test says, and tells the sender. */
  async settle(id: QueueId, outcome: (recipient: QueuedRecipient) => Partial<RecipientOutcome>): Promise<void> {
    const batch = (await this.store.queue.message(id))!;
    const outcomes = batch.recipients.map(
      (recipient): RecipientOutcome => ({
        recipient,
        kind: 'failed',
        said: { reply: 550, status: '5.1.1', text: 'no such user', theirs: true },
        peer: 'mx.example.net [192.0.2.1]',
        relaysNotices: false,
        ...outcome(recipient),
      }),
    );
    const report = await this.reports.report(batch.message, outcomes);
    const settlements = outcomes
      .filter(({ kind }) => kind === 'sent' || kind === 'failed')
      .map(({ kind, recipient: { number } }) => ({ number, end: kind as 'sent' | 'failed' }));
    await this.store.queue.settle(batch, { settlements, report });
  }

  /** What is in somebody's INBOX, whole. */
  async inbox(address = 'anna@office.test'): Promise<Buffer[]> {
    const key = inboxOf(this.id(address));
    const messages: Buffer[] = [];
    for (const uid of await uidsIn(this.store, key)) messages.push(await bytesOf(this.store, key, uid));
    return messages;
  }
}
