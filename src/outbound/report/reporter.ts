/**
 * Tells senders what became of their mail.
 *
 * Invariants
 * - The null sender is told nothing, so that no report ever leads to another (RFC 5321 6.1); nor is anybody who is not known here: mail from
 *   outside is refused while it comes in, and what was forwarded comes back by the reverse path that this server gave it.
 * - One report for all recipients of an attempt; of a forwarding whose owner keeps a copy of each message one a day for each address.
 * - It is staged here and filed in the transaction that settles what it tells of.
 */
import { randomUUID } from 'node:crypto';
import { caretakerOf } from '../../delivery/forwarding.ts';
import type { InDelivery } from '../../delivery/in-delivery.ts';
import type { Notices } from '../../delivery/types.ts';
import { Refused } from '../../errors.ts';
import { domainOf } from '../../message/addresses.ts';
import type { Store } from '../../store/api.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds } from '../../store/ids.ts';
import type { QueuedMessage, Report } from '../../store/queue.ts';
import type { StagedMessage } from '../../store/types.ts';
import type { RecipientOutcome, Reporter } from '../types.ts';
import { wentOnFrom } from '../went-on.ts';
import { composed } from './compose.ts';
import { deliveryStatus, isGlobal } from './delivery-status.ts';
import { ForwardingTold } from './forwarding-told.ts';
import { givenBack, type Original, originalOf, type Readable } from './original.ts';
import { personText } from './person-text.ts';
import { type Owned, type Reader, Readers, type ReadersOptions } from './readers.ts';
import { filedOf, type Told, toldOf } from './told.ts';

export interface ReportsOptions extends ReadersOptions {
  /** As this server calls itself. */
  readonly hostname: string;
  readonly store: Pick<Store, 'stage' | 'staged' | 'emails' | 'bodies'>;
  /** Mail is tried for so long. */
  readonly giveUp: Milliseconds;
}

/** The message that is told of. */
interface About extends Owned {
  readonly arrived: EpochSeconds;
  readonly subject: string;
  /** Without angle brackets; null: it has none. */
  readonly messageId: string | null;
  /** Absent: there is nothing to give back. */
  readonly content?: Readable;
}

/** No report is larger: what it gives back is bounded, and its recipients are. */
const MOST_BYTES = 32 * 1024 * 1024;

export class Reports implements Reporter, Notices {
  readonly #options: ReportsOptions;
  readonly #readers: Readers;
  readonly #forwardingTold = new ForwardingTold();

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#readers = new Readers(options);
  }

  async report(message: QueuedMessage, outcomes: readonly RecipientOutcome[]): Promise<Report | undefined> {
    if (message.sender === '') return undefined;
    const via = wentOnFrom(message.prefix);
    const isOwners = via !== undefined && [via, caretakerOf(via)].includes(message.sender);
    const ofSeveral = message.options.forRoom !== undefined;
    const some = message.options.copyStays === true ? this.#forwardingTold.notLately(message, outcomes) : outcomes;
    const told = toldOf(some, { expires: message.expires, ...(!isOwners && { via, ofSeveral }) });
    return told.length === 0 ? undefined : this.#reportOf({ ...(await this.#queued(message)), stays: isOwners }, told);
  }

  async filed(delivery: InDelivery): Promise<Report | undefined> {
    const { sender, signedIn, options = {} } = delivery.envelope;
    if (sender === '') return undefined;
    const told = filedOf(delivery);
    if (told.length === 0) return undefined;
    const { body, analysis } = delivery.message;
    const { subject, messageId, root } = analysis;
    const read = () => this.#options.store.staged(delivery.message);
    const content: Readable = { sizeBytes: body.length, headerBytes: root.body, read };
    const own = signedIn === undefined ? { options } : { options: { ...options, ours: true as const } };
    const message = { sender, account: signedIn?.id, arrived: nowSeconds(), subject, messageId, content, ...own };
    return this.#reportOf(message, told);
  }

  async #queued({ account, email, prefix, sender, options, created }: QueuedMessage): Promise<About> {
    const { store } = this.#options;
    const [record] = await store.emails(account, [email]);
    const message = { sender, account, options, arrived: created };
    if (record === undefined) return { ...message, subject: '', messageId: null };
    const { subject, messageId } = record.analysis;
    const content: Readable = {
      sizeBytes: prefix.length + record.body.length,
      headerBytes: prefix.length + record.root().body,
      async *read() {
        if (prefix.length > 0) yield prefix;
        yield* store.bodies.chunks(account, email, record.body);
      },
    };
    return { ...message, subject, messageId, content };
  }

  /** @throws Refused `store.full` when there is no byte left on the disk */
  async #reportOf(message: About, told: readonly Told[]): Promise<Report | undefined> {
    const reader = await this.#readers.of(message);
    if (reader === undefined) return undefined;
    const staged = await this.#staged(message, told, reader);
    return { message: staged, targets: reader.targets, sent: undefined, outbound: reader.outbound };
  }

  async #staged(message: About, told: readonly Told[], reader: Reader): Promise<StagedMessage> {
    const { content, options } = message;
    // RFC 8689 5, but for whom it was for: with nothing of the message in it the report may take any way (docs/decisions/0014).
    const secret = options.requireTls === true && reader.outbound.length > 0;
    if (secret) return this.#stage({ ...message, subject: '' }, told, reader, undefined);
    if (content === undefined) return this.#stage(message, told, reader, undefined);
    try {
      const original = await originalOf(content, givenBack(options, content.sizeBytes, told));
      return await this.#stage(message, told, reader, original);
    } catch (error) {
      if (!(error instanceof Refused) || !/^message\.|^store\.full$/.test(error.code)) throw error;
      // What can't be read, or for which there is no room, can't be given back; the sender is told all the same.
      return this.#stage(message, told, reader, undefined);
    }
  }

  async #stage(
    message: About,
    told: readonly Told[],
    reader: Reader,
    original: Original | undefined,
  ): Promise<StagedMessage> {
    const { store, hostname, giveUp } = this.#options;
    const { sender, arrived, options, subject, content } = message;
    const date = nowSeconds();
    const about = {
      sender,
      subject,
      arrived,
      sizeBytes: content?.sizeBytes ?? 0,
      tried: Math.min((date - arrived) * 1_000, giveUp),
      attached: original?.kind ?? 'nothing',
    } as const;
    const report = composed({
      date,
      messageId: `<${randomUUID()}@${hostname}>`,
      from: `postmaster@${sender.includes('@') ? domainOf(sender) : hostname}`,
      to: reader,
      about: message.messageId,
      language: reader.language,
      person: personText(reader.language, about, told),
      status: deliveryStatus({ reporter: hostname, envelopeId: options.envelopeId, arrived, attempted: date }, told),
      global: isGlobal(told),
      original,
    });
    // Without it nothing could be settled while the disk is nearly full; by itself it is some kilobytes.
    const stage = store.stage(MOST_BYTES, { whenLow: original === undefined });
    try {
      for await (const chunk of report) await stage.write(chunk as Buffer);
      return await stage.finish();
    } catch (error) {
      stage.abandon();
      throw error;
    }
  }
}
