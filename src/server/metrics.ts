/**
 * What the server counts, in the format of Prometheus.
 *
 * Invariant: labels have few values. Names that a client chooses are counted under `other` unless they are known.
 * Counting in the way of every byte or line is left to plain numbers, which are read when the page is asked for.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** A listener, as far as it is counted. */
export interface CountedListener {
  readonly protocol: { readonly name: string };
  readonly open: number;
  readonly totals: { readonly accepted: number; readonly turnedAway: number };
  readonly traffic: { readonly bytesIn: number; readonly bytesOut: number };
}

export type SignInResult = 'succeeded' | 'failed' | 'not-allowed' | 'delayed' | 'unavailable';
export type DeliveryResult = 'delivered' | 'refused' | 'deferred';

/** Commands a protocol may have, beyond which all are `other`. */
const MOST_COMMAND_NAMES = 100;

/** Counts in the way of every command and delivery: plain numbers, by two labels. */
class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #most: number;

  /** @param most values of the second label for each of the first, beyond which all are `other` */
  constructor(most: number) {
    this.#most = most;
  }

  add(first: string, second: string, times: number): void {
    const counts = this.#counts.get(first) ?? new Map<string, number>();
    this.#counts.set(first, counts);
    const count = counts.get(second);
    if (count !== undefined) counts.set(second, count + times);
    else if (counts.size < this.#most) counts.set(second, times);
    else counts.set('other', (counts.get('other') ?? 0) + times);
  }

  *entries(): Generator<[first: string, second: string, count: number]> {
    for (const [first, counts] of this.#counts) for (const [second, count] of counts) yield [first, second, count];
  }
}

export class Metrics {
  readonly registry = new Registry();
  readonly #listeners: CountedListener[] = [];
  readonly #commands = new Tally(MOST_COMMAND_NAMES);
  readonly #deliveries = new Tally(MOST_COMMAND_NAMES);
  readonly #signIns: Counter<'protocol' | 'result'>;
  readonly #internalErrors: Counter<'where'>;
  readonly #sharedDevices: Counter;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry }); // memory, CPU, garbage collection, delay of the event loop
    this.#countListeners();
    this.#countTally('rainmail_commands_total', 'Commands, by protocol and name.', 'command', this.#commands);
    this.#countTally(
      'rainmail_deliveries_total',
      'Recipients that mail came in for, by protocol and result.',
      'result',
      this.#deliveries,
    );
    this.#signIns = new Counter({
      name: 'rainmail_sign_ins_total',
      help: 'Attempts to sign in, by protocol and result.',
      labelNames: ['protocol', 'result'],
      registers,
    });
    this.#sharedDevices = new Counter({
      name: 'rainmail_pop3_shared_devices_total',
      help: 'Sessions in which two mail programs were seen to use the password of one POP3 device.',
      registers,
    });
    this.#internalErrors = new Counter({
      name: 'rainmail_internal_errors_total',
      help: 'Faults of ours, by where they came to light. Each is in the log with its cause.',
      labelNames: ['where'],
      registers,
    });
  }

  /** Counts the connections and bytes of a listener from now on. */
  watch(listener: CountedListener): void {
    this.#listeners.push(listener);
  }

  /** Counts a command. The names are the protocol's own, never what a client made up. */
  command(protocol: string, name: string, times = 1): void {
    this.#commands.add(protocol, name, times);
  }

  signIn(protocol: string, result: SignInResult): void {
    this.#signIns.inc({ protocol, result });
  }

  /** Two mail programs were seen to use the password of one POP3 device. */
  sharedDevice(): void {
    this.#sharedDevices.inc();
  }

  delivery(protocol: string, result: DeliveryResult, recipients = 1): void {
    this.#deliveries.add(protocol, result, recipients);
  }

  internalError(where: string): void {
    this.#internalErrors.inc({ where });
  }

  /** How many internal errors there were, in all. */
  async internalErrors(): Promise<number> {
    const { values } = await this.#internalErrors.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  /** The page that Prometheus reads. */
  page(): Promise<string> {
    return this.registry.metrics();
  }

  #countTally(name: string, help: string, label: string, tally: Tally): void {
    new Counter({
      name,
      help,
      labelNames: ['protocol', label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [protocol, value, count] of tally.entries()) this.inc({ protocol, [label]: value }, count);
      },
    });
  }

  #countListeners(): void {
    const listeners = this.#listeners;
    const summed = (name: string, help: string, read: (listener: CountedListener) => number) => ({
      name,
      help,
      labelNames: ['protocol'],
      registers: [this.registry],
      collect(this: Pick<Counter, 'reset' | 'inc'>) {
        this.reset();
        for (const listener of listeners) this.inc({ protocol: listener.protocol.name }, read(listener));
      },
    });
    const counter = (...what: Parameters<typeof summed>) => new Counter(summed(...what));
    new Gauge(summed('rainmail_connections', 'Connections open now.', ({ open }) => open));
    counter('rainmail_connections_total', 'Connections accepted.', ({ totals }) => totals.accepted);
    counter('rainmail_connections_turned_away_total', 'Connections over a limit.', ({ totals }) => totals.turnedAway);
    counter('rainmail_bytes_in_total', 'Bytes received, without TLS.', ({ traffic }) => traffic.bytesIn);
    counter('rainmail_bytes_out_total', 'Bytes sent, without TLS.', ({ traffic }) => traffic.bytesOut);
  }
}
