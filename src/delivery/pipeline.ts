/**
 * The delivery pipeline: the one way into mailboxes for mail that arrives.
 *
 * Invariant: one reply, one fate. What a single reply answers for (by SMTP the whole message, by LMTP one recipient) is
 * taken whole or not at all, so that a sender who repeats what we refused for now brings nobody a second copy, and nobody
 * loses a copy to a reply that was good for the others. Whose mailbox is full holds up nobody behind the same address: that copy waits in the queue
 * (room.ts). Somebody with an address of their own is refused at RCPT; they hold up others only where one reply must speak for all, and the room went after
 * that, or no size was declared.
 */
import type { Account } from '../directory/types.ts';
import { Refused } from '../errors.ts';
import { Pace } from '../pace.ts';
import type { Store } from '../store/api.ts';
import { type AccountId, type MailboxId, nowSeconds } from '../store/ids.ts';
import type { Trace } from '../store/trace.ts';
import { authorsBeside } from '../store/trace-authors.ts';
import type { DeliveryTarget, Filed, Outbound, StagedMessage } from '../store/types.ts';
import type { Allowances } from './allowances.ts';
import { arrivalOf } from './arrival.ts';
import { type OnCheckFailed, runChecks } from './checks.ts';
import { outboundOf, sentBy, shareFates, targetsOf } from './filing.ts';
import type { Check, InDelivery, Recipient, Step } from './in-delivery.ts';
import { junkFolders } from './junk.ts';
import { refuseBorrowed } from './posting.ts';
import { Recipients, type RecipientsOptions, type Resolver } from './recipients.ts';
import { failureOf, replyToRefusal } from './replies.ts';
import { Room, type RoomStore } from './room.ts';
import type { Senders } from './senders.ts';
import { type Delivery, type Envelope, HERE, type Notices, type Outcome, type Outgoing } from './types.ts';
import { mailboxFull } from './waiting.ts';

type DeliveryStore = Pick<Store, 'deliver' | 'discard'> &
  RecipientsOptions['store'] &
  RoomStore & { readonly trace: Pick<Trace, 'refused'> };

export interface PipelineOptions {
  /** Of this server: its postmaster is somebody, too. */
  readonly hostname?: string;
  /** Mail for `anna+lists@` goes to Anna's folder of that name, if she has one. */
  readonly detailFolders: boolean;
  /** Where mail for people elsewhere goes; absent: it is refused. */
  readonly outgoing?: Outgoing | undefined;
  /** Whom people may send as; absent: anybody. */
  readonly senders?: Senders;
  /** To how many elsewhere; absent: as many as they want. */
  readonly allowances?: Allowances;
  /** Copies that go on to other servers from one address in an hour; absent: as many as there are. */
  readonly forwardedByHour?: number | undefined;
  /** Tells senders that their mail is here, where they want to hear it. */
  readonly notices?: Notices | undefined;
  /** In this order, on every message that arrives; each decides by its envelope whether it has something to say. */
  readonly checks?: readonly Check[];
  readonly onCheckFailed?: OnCheckFailed;
}

const GOOD: Outcome = { ok: true };

export class DeliveryPipeline implements Delivery {
  readonly #store: DeliveryStore;
  readonly #recipients: Recipients;
  readonly #room: Room;
  readonly #options: PipelineOptions;
  /** In this order. Sieve has its place before the last two. */
  readonly #steps: readonly Step[] = [
    (delivery) => this.#checkSender(delivery),
    (delivery) => this.#resolve(delivery),
    (delivery) => this.#check(delivery),
    (delivery) => this.#room.check(delivery),
    (delivery) => this.#file(delivery),
  ];

  constructor(directory: Resolver, store: DeliveryStore, options: PipelineOptions = { detailFolders: false }) {
    this.#store = store;
    this.#options = options;
    const { hostname, detailFolders, outgoing, forwardedByHour } = options;
    this.#room = new Room(store, outgoing);
    this.#recipients = new Recipients({ hostname, directory, store, detailFolders, outgoing, forwardedByHour });
  }

  async acceptsSender({ sender, signedIn }: Parameters<Delivery['acceptsSender']>[0]): Promise<void> {
    await this.#options.senders?.checkPath(sender, signedIn);
  }

  async accepts(recipient: string, envelope: Parameters<Delivery['accepts']>[1]): Promise<void> {
    const found = await this.#recipients.find(recipient, envelope);
    const { signedIn } = envelope;
    if (signedIn !== undefined && found.leaves.some(({ via }) => via === undefined)) {
      await this.#options.allowances?.check(signedIn, 1);
    }
    await this.#room.require({ address: recipient, ...found }, envelope.declaredBytes ?? 0, envelope.withRoom);
  }

  async deliver(envelope: Envelope, message: StagedMessage): Promise<readonly Outcome[]> {
    const recipients = envelope.recipients.map(
      ({ address }): Recipient => ({ address, accounts: [], leaves: [], failure: null }),
    );
    const delivery: InDelivery = {
      envelope,
      message,
      recipients,
      ...NOTHING_FOUND,
      suspicious: envelope.junk ?? false,
    };
    try {
      for (const step of this.#steps) await step(delivery);
    } catch (error) {
      if (error instanceof Refused) this.#traceRefused(delivery, replyText(error));
      throw error;
    } finally {
      this.#store.discard(message); // without effect when somebody has it
    }
    return delivery.recipients.map(({ failure }) => failure ?? GOOD);
  }

  /** While it is submitted: what was taken for later goes on, whatever its sender may do by then. */
  async #checkSender({ envelope: { protocol, sender, signedIn }, message }: InDelivery): Promise<void> {
    if (protocol === 'submission' && signedIn !== undefined)
      await this.#options.senders?.checkMessage(sender, signedIn, message);
  }

  async #resolve({ envelope, recipients }: InDelivery): Promise<void> {
    const pace = new Pace();
    for (const [at, recipient] of recipients.entries()) {
      await pace.pause();
      try {
        const { address, ...parameters } = envelope.recipients[at]!;
        Object.assign(recipient, await this.#recipients.find(address, envelope, parameters));
      } catch (error) {
        recipient.failure = failureOf(error);
      }
    }
  }

  async #check(delivery: InDelivery): Promise<void> {
    const { checks = [], onCheckFailed = ignore } = this.#options;
    await runChecks(checks, delivery, onCheckFailed);
    refuseBorrowed(delivery);
    await this.#recipients.holdBack(delivery);
  }

  /** What leaves too is filed with all or with nobody, but those who may wait for room: the store refuses it as a whole when a mailbox became full just now. */
  async #file(delivery: InDelivery): Promise<void> {
    const { envelope, recipients } = delivery;
    shareFates(envelope, recipients);
    const junk = delivery.suspicious ? await junkFolders(this.#store, recipients) : NOWHERE;
    const targets = targetsOf(delivery, junk);
    const outbound = this.#outbound(delivery);
    if (targets.length + outbound.length === 0) return this.#traceRefused(delivery);
    const { outcomes, queued } = await this.#deliver(delivery, targets, outbound);
    const destinations = destinationsOf(outbound);
    if (outcomes.some((outcome) => 'waitsAs' in outcome)) destinations.add(HERE);
    if (destinations.size > 0) this.#options.outgoing?.wake(destinations);
    if (queued.length > 0) this.#recipients.noteForwarded(recipients);
    const refusals = new Map<AccountId, Refused>();
    for (const [at, result] of outcomes.entries()) {
      if (result instanceof Refused) refusals.set(targets[at]!.account, result);
    }
    if (refusals.size === 0) return;
    for (const recipient of recipients) {
      const refused = recipient.accounts.find(({ id }: Account) => refusals.has(id));
      if (refused !== undefined) recipient.failure ??= failureOf(asTold(refusals.get(refused.id), refused, recipient));
    }
    // A mailbox became full, or went, just now. The others have their copy and may get another: better twice than never.
    shareFates(envelope, recipients);
  }

  async #deliver(
    delivery: InDelivery,
    targets: readonly DeliveryTarget[],
    outbound: readonly Outbound[],
  ): Promise<Filed> {
    const { envelope, message, recipients, findings } = delivery;
    const report = await this.#options.notices?.filed(delivery);
    const sends = sendsOf(delivery);
    const arrival = { ...arrivalOf(envelope, recipients, findings), ...(sends > 0 && { sends }) };
    const arrives = envelope.arrives?.filter((_place, at) => recipients[at]!.failure === null);
    const also = { sent: sentBy(envelope, message), outbound, report, arrival, arrives };
    try {
      const filed = await this.#withinAllowance(envelope, sends, () => this.#store.deliver(message, targets, also));
      // What tells of it leaves as soon as it is there, where its reader is elsewhere.
      if (report !== undefined && report.outbound.length > 0)
        this.#options.outgoing?.wake(destinationsOf(report.outbound));
      return filed;
    } finally {
      if (report !== undefined) this.#store.discard(report.message); // without effect when it was filed
    }
  }

  /** @throws Refused `sending.limit` */
  async #withinAllowance<T>({ signedIn }: Envelope, sends: number, file: () => Promise<T>): Promise<T> {
    const { allowances } = this.#options;
    if (allowances === undefined || signedIn === undefined || sends === 0) return file();
    await allowances.take(signedIn, sends);
    try {
      return await file();
    } catch (error) {
      allowances.giveBack(signedIn, sends);
      throw error;
    }
  }

  refused(envelope: Envelope, why: string | null): void {
    const recipients = envelope.recipients.map(({ address }) => ({ address, failure: null }));
    const refused = why === null ? {} : { refused: why };
    this.#store.trace.refused({ ...arrivalOf(envelope, recipients), ...refused });
  }

  /** Nobody gets it. @param refused  why, where it is not said of each recipient */
  #traceRefused({ envelope, message: { body, analysis }, recipients, findings }: InDelivery, refused?: string): void {
    const arrival = arrivalOf(envelope, recipients, findings);
    const authors = authorsBeside(analysis.envelope, arrival.sender);
    const message = {
      ...arrival,
      sizeBytes: body.length,
      ...(authors.length > 0 && { authors }),
      ...(refused !== undefined && { refused }),
    };
    this.#store.trace.refused(message, analysis.messageId);
  }

  #outbound(delivery: InDelivery): Outbound[] {
    const { outgoing } = this.#options;
    return outgoing === undefined ? [] : outboundOf(delivery, outgoing, nowSeconds());
  }
}

/** To how many elsewhere a person sends it, each once; what is forwarded, also for that person, is not theirs. */
function sendsOf({ envelope: { protocol, signedIn }, recipients }: InDelivery): number {
  if (protocol !== 'submission' || signedIn === undefined) return 0;
  const leaves = recipients.flatMap((recipient) => (recipient.failure === null ? recipient.leaves : []));
  const own = leaves.filter(({ via, destination }) => via === undefined && destination !== HERE);
  return new Set(own.map(({ address }) => address)).size;
}

/** What the store says of a full mailbox is for its owner. */
function asTold(refusal: Refused | undefined, account: Account, { address }: Recipient): Refused | undefined {
  return refusal?.code === 'quota.exceeded' ? mailboxFull(account, address) : refusal;
}

/** Before the checks. */
const NOTHING_FOUND = {
  findings: '',
  unproven: false,
  disowned: false,
  borrowed: false,
  overfull: new Set<AccountId>(),
  waits: new Map<AccountId, Outbound>(),
} as const;
const ignore = (): void => {};
const NOWHERE: ReadonlyMap<AccountId, MailboxId> = new Map();

function replyText({ code, message }: Refused): string {
  return [...replyToRefusal(code), message].join(' ');
}

function destinationsOf(outbound: readonly Outbound[]): Set<string> {
  return new Set(outbound.flatMap(({ recipients }) => recipients.map(({ destination }) => destination)));
}
