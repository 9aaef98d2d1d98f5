/**
 * What waits to leave, as the metrics, the health page and the log tell of it. A queue that grows is the first sign that something is wrong: a
 * provider that turns this server away, a password that a thief has.
 */
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { TlsKind } from '../outbound/tls/protection.ts';
import type { RecipientOutcome } from '../outbound/types.ts';
import { type AccountId, type Milliseconds, nowSeconds } from '../store/ids.ts';
import type { Queue, QueueSize } from '../store/queue.ts';
import type { HealthReport } from './health.ts';

const LOOK_EVERY: Milliseconds = 60_000;
const OUTCOMES: readonly RecipientOutcome['kind'][] = ['sent', 'deferred', 'failed', 'delayed', 'held'];
const KINDS_OF_TLS: readonly TlsKind[] = ['none', 'unverified', 'verified', 'mta-sts', 'dane'];

export interface QueueWatchOptions {
  readonly queue: Pick<Queue, 'size'>;
  readonly registry: Registry;
  /** Messages. */
  readonly alarmAbove: number;
  /** How long mail may wait that should have left; 0: as long as it likes. */
  readonly alarmAfter: Milliseconds;
  readonly log: Logger;
  readonly onInternalError: () => void;
}

export class QueueWatch {
  readonly #options: QueueWatchOptions;
  readonly #outcomes: Counter<'outcome'>;
  readonly #protected: Counter<'tls'>;
  readonly #limited: Counter;
  #size: QueueSize = { messages: 0, recipients: 0, held: 0, oldest: null, longest: null };
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLong = false;
  #isLate = false;

  constructor(options: QueueWatchOptions) {
    this.#options = options;
    const registers = [options.registry];
    this.#outcomes = new Counter({
      name: 'rainmail_queue_outcomes_total',
      help: 'What became of recipients of mail that leaves, at each attempt: sent, deferred, failed, delayed, held.',
      labelNames: ['outcome'],
      registers,
    });
    this.#protected = new Counter({
      name: 'rainmail_outbound_sent_total',
      help: 'Recipients whose mail another server has taken, by how it was protected: none, unverified, verified, mta-sts, dane.',
      labelNames: ['tls'],
      registers,
    });
    // What has not happened yet is zero, so that the first time is seen as a rise.
    for (const outcome of OUTCOMES) this.#outcomes.inc({ outcome }, 0);
    for (const tls of KINDS_OF_TLS) this.#protected.inc({ tls }, 0);
    this.#limited = new Counter({
      name: 'rainmail_sending_limit_reached_total',
      help: 'How often an account wanted to send to more recipients elsewhere than it may; counted once an hour for each.',
      registers,
    });
    this.#gauge('rainmail_queue_messages', 'Messages that wait to leave.', ({ messages }) => messages);
    this.#gauge('rainmail_queue_recipients', 'Recipients of these who have not got them yet.', (now) => now.recipients);
    this.#gauge('rainmail_queue_held', 'Of these recipients, those that wait for an administrator.', (now) => now.held);
    this.#gauge('rainmail_queue_oldest_seconds', 'Age of the message that waits for longest.', () => this.#oldest());
    this.#gauge(
      'rainmail_queue_waited_seconds',
      'How long the mail has waited that should have left and waits for longest; not what is held or for later.',
      () => this.#waited() ?? 0,
    );
    this.#gauge(
      'rainmail_queue_alarm',
      '1 while more messages wait than outbound.alarmAbove, or mail for longer than outbound.alarmAfter: an alarm.',
      () => Number(this.#alarm),
    );
  }

  /** Looks from now on, every minute. */
  start(): void {
    this.#timer = setInterval(() => this.#lookAlone(), LOOK_EVERY).unref();
    this.#lookAlone();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  count({ kind, tls }: Pick<RecipientOutcome, 'kind' | 'tls'>): void {
    this.#outcomes.inc({ outcome: kind });
    if (kind === 'sent' && tls !== undefined) this.#protected.inc({ tls });
  }

  /** An account wants to send to more than it may: its password may be a thief's. */
  limitReached(account: AccountId, recipients: number): void {
    this.#limited.inc();
    const text = 'an account has reached its limit of recipients at other servers; was its password stolen?';
    this.#options.log.warn({ account, recipients }, text);
  }

  /** Counts the connections that mail leaves by. */
  countConnections(read: () => number): void {
    new Gauge({
      name: 'rainmail_outbound_connections',
      help: 'Connections to other servers that are open or being opened, to give mail to them.',
      registers: [this.#options.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** As it was at the last look, at most a minute ago. */
  report(): NonNullable<HealthReport['queue']> {
    const { messages, held } = this.#size;
    return { messages, held, oldestSeconds: this.#oldest() ?? null, waitedSeconds: this.#waited(), alarm: this.#alarm };
  }

  get #alarm(): boolean {
    return this.#isLong || this.#isLate;
  }

  /** Looks now; who asks while somebody looks already is answered with them. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const { queue, alarmAbove, alarmAfter, log } = this.#options;
    this.#size = await queue.size();
    const { messages, held, longest } = this.#size;
    const [wasLong, wasLate] = [this.#isLong, this.#isLate];
    this.#isLong = messages > alarmAbove;
    if (this.#isLong && !wasLong) log.warn({ messages, held, alarmAbove }, 'the queue of mail that leaves is long');
    if (wasLong && !this.#isLong) log.info({ messages }, 'the queue of mail that leaves is short again');
    const waitedSeconds = this.#waited();
    this.#isLate = alarmAfter > 0 && waitedSeconds !== null && waitedSeconds * 1_000 > alarmAfter;
    if (this.#isLate && !wasLate) {
      log.warn({ destination: longest?.destination, waitedSeconds, messages }, 'mail has waited for long to leave');
    }
    if (wasLate && !this.#isLate) log.info({ messages }, 'no mail has waited for long to leave any more');
  }

  #lookAlone(): void {
    this.#look().catch((error: unknown) => {
      this.#options.onInternalError();
      this.#options.log.error({ err: error }, 'the queue could not be looked at');
    });
  }

  #oldest(): number | undefined {
    const { oldest } = this.#size;
    return oldest === null ? undefined : nowSeconds() - oldest;
  }

  #waited(): number | null {
    const { longest } = this.#size;
    return longest === null ? null : Math.max(0, nowSeconds() - longest.since);
  }

  /** Read when the page is asked for. */
  #gauge(name: string, help: string, read: (size: QueueSize) => number | undefined): void {
    const look = async (): Promise<QueueSize> => {
      await this.#look();
      return this.#size;
    };
    new Gauge({
      name,
      help,
      registers: [this.#options.registry],
      async collect() {
        const value = read(await look());
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}
