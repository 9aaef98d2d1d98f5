/**
 * Tells senders what became of their mail.
 *
 * Invariants
 * - The null sender is told nothing, so that no report ever leads to another (RFC 5321 6.1); nor is anybody who is not known here: mail from
 *   outside is refused while it comes in, and what was forwarded comes back by the reverse path that this server gave it.
 * - One report for all recipients of an attempt.
 * - It is staged here and filed in the transaction that settles what it tells of.
 */
import { randomUUID } from 'node:crypto';
import type { Language } from '../../config/languages.ts';
import type { Resolver } from '../../delivery/recipients.ts';
import type { Outgoing } from '../../delivery/types.ts';
import { Refused } from '../../errors.ts';
import type { Store } from '../../store/api.ts';
import { type AccountId, type Milliseconds, nowSeconds } from '../../store/ids.ts';
import type { QueuedMessage, Report } from '../../store/queue.ts';
import type { EmailRecord, Outbound, StagedMessage } from '../../store/types.ts';
import type { RecipientOutcome, Reporter } from '../types.ts';
import { composed } from './compose.ts';
import { deliveryStatus, isGlobal } from './delivery-status.ts';
import { givenBack, type Original, originalOf } from './original.ts';
import { personText } from './person-text.ts';
import { type Told, toldOf } from './told.ts';

export interface ReportsOptions {
  /** As this server calls itself. */
  readonly hostname: string;
  readonly store: Pick<Store, 'stage' | 'emails' | 'bodyChunks'>;
  readonly directory: Resolver;
  readonly languageOf: (account: AccountId) => Language | Promise<Language>;
  /** For those who are not here. */
  readonly language: Language;
  readonly outgoing: Pick<Outgoing, 'destinationOf' | 'times'>;
  /** The sender for whom this server made a reverse path of its own when it forwarded (SRS); undefined: it made none such, or not lately. */
  readonly originalSender: (reversePath: string) => string | undefined;
  /** Mail is tried for so long. */
  readonly giveUp: Milliseconds;
}

/** Whom a report goes to. */
interface Reader {
  readonly name: string;
  readonly address: string;
  readonly language: Language;
  readonly targets: Report['targets'];
  readonly outbound: readonly Outbound[];
}

/** No report is larger: what it gives back is bounded, and its recipients are. */
const MOST_BYTES = 32 * 1024 * 1024;
/** RFC 3461 6.1: nobody is told of a report. */
const NOBODY = ['never'] as const;

export class Reports implements Reporter {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  async report(message: QueuedMessage, outcomes: readonly RecipientOutcome[]): Promise<Report | undefined> {
    if (message.sender === '') return undefined;
    const told = toldOf(outcomes, message.expires);
    if (told.length === 0) return undefined;
    const reader = await this.#readerOf(message);
    if (reader === undefined) return undefined;
    const staged = await this.#staged(message, told, reader);
    return { message: staged, targets: reader.targets, sent: undefined, outbound: reader.outbound };
  }

  async #readerOf(message: QueuedMessage): Promise<Reader | undefined> {
    const { sender, account } = message;
    const { directory, languageOf } = this.#options;
    const away = this.#options.originalSender(sender);
    if (away !== undefined) return this.#readerElsewhere(message, away);
    const resolved = await directory.resolve(sender);
    if (resolved.kind !== 'accounts') return undefined;
    // Who sent it in the name of many hears of it alone.
    const own = resolved.accounts.filter(({ id }) => id === account);
    const readers = own.length > 0 ? own : resolved.accounts;
    const [first] = readers;
    if (first === undefined) return undefined;
    const prefix = Buffer.from(`Return-Path: <>\r\nDelivered-To: ${sender}\r\n`);
    return {
      name: readers.length === 1 ? first.displayName : '',
      address: sender,
      language: await languageOf(first.id),
      targets: readers.map(({ id }) => ({ account: id, prefix, evenIfFull: true })),
      outbound: [],
    };
  }

  #readerElsewhere({ account, options }: QueuedMessage, address: string): Reader | undefined {
    const { outgoing, language } = this.#options;
    const destination = outgoing.destinationOf(address);
    if (destination === undefined) return undefined;
    const { expires } = outgoing.times(nowSeconds());
    const recipients = [{ address, destination, notify: NOBODY }];
    const marks = { ours: true as const, ...(options.utf8 === true && { utf8: true }) };
    const outbound = [{ account, sender: '', recipients, expires, options: marks }];
    return { name: '', address, language, targets: [], outbound };
  }

  /** @throws Refused `store.full` */
  async #staged(message: QueuedMessage, told: readonly Told[], reader: Reader): Promise<StagedMessage> {
    const [record] = await this.#options.store.emails(message.account, [message.email]);
    const kind = givenBack(message.options, record?.body.length ?? 0, told);
    try {
      return await this.#stagedWith(message, told, reader, record, kind);
    } catch (error) {
      const isUnreadable = error instanceof Refused && error.code.startsWith('message.');
      if (!isUnreadable) throw error;
      // What can't be read can't be given back; the sender is told all the same.
      return this.#stagedWith(message, told, reader, record, 'nothing');
    }
  }

  async #stagedWith(
    message: QueuedMessage,
    told: readonly Told[],
    reader: Reader,
    record: EmailRecord | undefined,
    kind: Original['kind'] | 'nothing',
  ): Promise<StagedMessage> {
    const { store, hostname, giveUp } = this.#options;
    const { sender, created, options } = message;
    const date = nowSeconds();
    // RFC 8689 5: without the original's header the report may take any way.
    const secret = options.requireTls === true && reader.outbound.length > 0;
    const original =
      kind === 'nothing' || record === undefined || secret ? undefined : await originalOf(store, message, record, kind);
    const about = {
      sender,
      subject: record?.analysis.subject ?? '',
      sizeBytes: record?.body.length ?? 0,
      arrived: created,
      tried: Math.min((date - created) * 1_000, giveUp),
      attached: original?.kind ?? 'nothing',
    } as const;
    const status = { reporter: hostname, envelopeId: options.envelopeId, arrived: created, attempted: date };
    const stream = composed({
      date,
      messageId: `<${randomUUID()}@${hostname}>`,
      from: `postmaster@${/@(.+)$/.exec(sender)?.[1] ?? hostname}`,
      to: reader,
      about: record?.analysis.messageId ?? null,
      language: reader.language,
      person: personText(reader.language, about, told),
      status: deliveryStatus(status, told),
      global: isGlobal(told),
      original,
    });
    const stage = store.stage(MOST_BYTES);
    try {
      for await (const chunk of stream) await stage.write(chunk as Buffer);
      return await stage.finish();
    } catch (error) {
      stage.abandon();
      throw error;
    }
  }
}
