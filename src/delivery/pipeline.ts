/**
 * The delivery pipeline: the one way into mailboxes for mail that arrives.
 *
 * Invariant: one reply, one fate. What a single reply answers for (by SMTP the whole message, by LMTP one recipient) is
 * delivered whole or not at all, so that a sender who repeats what we refused for now brings nobody a second copy, and nobody
 * loses a copy to a reply that was good for the others. Someone whose mailbox is full holds up others only where one reply must
 * speak for all, and there RCPT has refused him already if the size was declared.
 */
import type { Account, Resolved } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { addressesIn } from '../message/envelope-text.ts';
import type { Store } from '../store/api.ts';
import type { AccountId, MailboxId } from '../store/ids.ts';
import type { DeliveryTarget, SentTarget, StagedMessage } from '../store/types.ts';
import { replyToRefusal } from './replies.ts';
import type { Delivery, Envelope, Outcome } from './types.ts';

/** Where addresses lead. */
export interface Resolver {
  resolve(address: string): Resolved | Promise<Resolved>;
}

type DeliveryStore = Pick<Store, 'deliver' | 'discard' | 'usage' | 'mailboxes'>;

export interface PipelineOptions {
  /** Mail for `anna+lists@` goes to Anna's folder of that name, if she has one. */
  readonly detailFolders: boolean;
}

type Failure = Extract<Outcome, { ok: false }>;

/** A message on its way through the pipeline. */
export interface InDelivery {
  readonly envelope: Envelope;
  readonly message: StagedMessage;
  readonly recipients: readonly Recipient[];
}

/** One recipient of the envelope, and whose mailboxes it stands for. */
export interface Recipient {
  readonly address: string;
  accounts: readonly Account[];
  /** The folder it is filed in; INBOX when absent. */
  mailbox?: MailboxId;
  /** Why it gets nothing. */
  failure: Failure | null;
}

/** One step on the way. It may change where the message goes, or fail recipients. */
export type Step = (delivery: InDelivery) => Promise<void>;

const GOOD: Outcome = { ok: true };

export class DeliveryPipeline implements Delivery {
  readonly #directory: Resolver;
  readonly #store: DeliveryStore;
  readonly #options: PipelineOptions;
  /** In this order. Checks, filters and Sieve have their place between the first and the last. */
  readonly #steps: readonly Step[] = [
    (delivery) => this.#resolve(delivery),
    (delivery) => this.#checkSharedFates(delivery),
    (delivery) => this.#file(delivery),
  ];

  constructor(directory: Resolver, store: DeliveryStore, options: PipelineOptions = { detailFolders: false }) {
    this.#directory = directory;
    this.#store = store;
    this.#options = options;
  }

  async accepts(recipient: string, envelope: Parameters<Delivery['accepts']>[1]): Promise<void> {
    const { accounts } = await this.#somebody(recipient, envelope.signedIn !== undefined);
    for (const account of accounts) await this.#checkRoom(account, envelope.declaredBytes ?? 0);
  }

  async deliver(envelope: Envelope, message: StagedMessage): Promise<readonly Outcome[]> {
    const recipients = envelope.recipients.map(({ address }): Recipient => ({ address, accounts: [], failure: null }));
    const delivery: InDelivery = { envelope, message, recipients };
    try {
      for (const step of this.#steps) await step(delivery);
    } finally {
      this.#store.discard(message); // without effect when somebody has it
    }
    return delivery.recipients.map(({ failure }) => failure ?? GOOD);
  }

  async #resolve({ envelope, recipients }: InDelivery): Promise<void> {
    for (const recipient of recipients) {
      try {
        const { accounts, detail } = await this.#somebody(recipient.address, envelope.signedIn !== undefined);
        recipient.accounts = accounts;
        if (detail !== undefined) await this.#chooseFolder(recipient, detail);
      } catch (error) {
        recipient.failure = failureOf(error);
      }
    }
  }

  /** @throws Refused `recipient.unknown`, `recipient.closed`, `relay.forbidden` */
  async #somebody(address: string, signedIn: boolean): Promise<Extract<Resolved, { kind: 'accounts' }>> {
    const resolved = await this.#directory.resolve(address);
    if (resolved.kind === 'accounts') return resolved;
    if (resolved.kind === 'closed') throw new Refused('recipient.closed', resolved.text);
    if (resolved.kind === 'unknown') {
      throw new Refused('recipient.unknown', `There is no ${address} here; check the address.`);
    }
    throw new Refused(
      'relay.forbidden',
      signedIn
        ? `Mail to ${address} can't be sent: sending to other servers isn't set up here yet.`
        : `${address} is not an address of this server, which does not relay.`,
    );
  }

  /** One person's folder that is named like the detail, but for those with a use of their own: nobody writes into Trash from outside. */
  async #chooseFolder(recipient: Recipient, detail: string): Promise<void> {
    const [account, ...others] = recipient.accounts;
    if (!this.#options.detailFolders || account === undefined || others.length > 0) return;
    const found = (await this.#store.mailboxes(account.id)).find(
      ({ path, role, selectable }) => role === null && selectable && foldedName(path) === detail,
    );
    if (found !== undefined) recipient.mailbox = found.id;
  }

  /** @throws Refused `quota.exceeded` */
  async #checkRoom(account: Account, bytes: number): Promise<void> {
    if (account.quotaBytes === null) return;
    const { usedBytes, quotaBytes } = await this.#store.usage(account.id);
    if (quotaBytes !== null && (usedBytes >= quotaBytes || usedBytes + bytes > quotaBytes)) {
      throw new Refused('quota.exceeded', `The mailbox of ${account.name} is full; please try again later.`);
    }
  }

  /** Those whose one reply depends on several mailboxes are checked before anything is filed; the store checks every mailbox. */
  async #checkSharedFates({ envelope, message, recipients }: InDelivery): Promise<void> {
    const oneForAll = hasOneReply(envelope) && recipients.length > 1;
    for (const recipient of recipients) {
      if (recipient.failure !== null || !(oneForAll || recipient.accounts.length > 1)) continue;
      try {
        for (const account of recipient.accounts) await this.#checkRoom(account, message.body.length);
      } catch (error) {
        recipient.failure = failureOf(error);
      }
    }
  }

  async #file({ envelope, message, recipients }: InDelivery): Promise<void> {
    shareFates(envelope, recipients);
    const targets = targetsOf(envelope.sender, recipients);
    if (targets.length === 0) return;
    const { outcomes } = await this.#store.deliver(message, targets, { sent: this.#sentBy(envelope, message) });
    const refusals = new Map<AccountId, Refused>();
    for (const [at, result] of outcomes.entries()) {
      if (result instanceof Refused) refusals.set(targets[at]!.account, result);
    }
    if (refusals.size === 0) return;
    for (const recipient of recipients) {
      const refused = recipient.accounts.find(({ id }) => refusals.has(id));
      if (refused !== undefined) recipient.failure ??= failureOf(refusals.get(refused.id));
    }
    // A mailbox became full, or went, just now. The others have their copy and may get another: better twice than never.
    shareFates(envelope, recipients);
  }

  /** What a person sends is in their Sent mailbox, whatever the client does: so POP3 people have it too. */
  #sentBy(envelope: Envelope, message: StagedMessage): SentTarget | undefined {
    const { signedIn, fileSent = false } = envelope;
    if (signedIn === undefined || !fileSent) return undefined;
    return { account: signedIn.id, bcc: hiddenRecipients(envelope, message) };
  }
}

/** Recipients that the header doesn't name. */
function hiddenRecipients({ recipients }: Envelope, { analysis: { envelope } }: StagedMessage): string[] {
  const named = new Set((['to', 'cc', 'bcc'] as const).flatMap((list) => addressesIn(envelope, list)));
  return recipients.map(({ address }) => address).filter((address) => !named.has(address.toLowerCase()));
}

/** One copy for each account, even when several recipients lead to it. */
function targetsOf(sender: string, recipients: readonly Recipient[]): DeliveryTarget[] {
  const targets = new Map<AccountId, DeliveryTarget>();
  for (const { address, accounts, mailbox, failure } of recipients) {
    if (failure !== null) continue;
    for (const { id } of accounts) {
      const target = { account: id, prefix: tracePrefix(sender, address) };
      if (!targets.has(id)) targets.set(id, mailbox === undefined ? target : { ...target, mailbox });
    }
  }
  return [...targets.values()];
}

/** A folder's name in the form that local parts have (directory/address.ts). */
function foldedName(path: string): string {
  return path.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** RFC 5321 4.4: the envelope's sender; and which of a person's addresses the message was sent to. */
function tracePrefix(sender: string, address: string): Buffer {
  return Buffer.from(`Return-Path: <${sender}>\r\nDelivered-To: ${address}\r\n`);
}

/** SMTP answers once for all recipients; LMTP, and imports, recipient by recipient. */
function hasOneReply({ protocol }: Envelope): boolean {
  return protocol === 'smtp' || protocol === 'submission';
}

/** Where one reply speaks for all recipients and one fails, all fail, for now; asked one by one at RCPT they will differ. */
function shareFates(envelope: Envelope, recipients: readonly Recipient[]): void {
  if (!hasOneReply(envelope) || recipients.length === 1) return;
  const failed = recipients.find(({ failure }) => failure !== null)?.failure;
  if (failed === undefined || failed === null) return;
  const shared = failed.reply < 500 ? failed : { ...failed, reply: 451, status: failed.status.replace(/^5/, '4') };
  for (const recipient of recipients) recipient.failure = shared;
}

/** @throws what is not a refusal */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Refused)) throw error;
  const [reply, status] = replyToRefusal(error.code);
  return { ok: false, reply, status, text: error.message };
}
