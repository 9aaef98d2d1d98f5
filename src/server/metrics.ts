/**
 * What the server counts, in the format of Prometheus.
 *
 * Invariant: labels have few values. Names that a client chooses are counted under `other` unless they are known.
 * Counting in the way of every byte or line is left to plain numbers, which are read when the page is asked for.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { RefusalCode } from '../errors.ts';

/** A listener, as far as it is counted. */
export interface CountedListener {
  readonly protocol: { readonly name: string };
  readonly open: number;
  readonly totals: { readonly accepted: number; readonly turnedAway: number };
  readonly traffic: { readonly bytesIn: number; readonly bytesOut: number };
}

export type SignInResult = 'succeeded' | 'failed' | 'delayed' | 'unavailable';
export type DeliveryResult = 'delivered' | 'refused' | 'deferred';

/** Commands a protocol may count, beyond which all are `other`. */
const MOST_COMMAND_NAMES = 100;

export class Metrics {
  readonly registry = new Registry();
  readonly #listeners: CountedListener[] = [];
  readonly #commands: Counter<'protocol' | 'command'>;
  readonly #commandNames = new Map<string, ReadonlySet<string>>();
  readonly #signIns: Counter<'protocol' | 'result'>;
  readonly #deliveries: Counter<'protocol' | 'result'>;
  readonly #refusals: Counter<'code'>;
  readonly #internalErrors: Counter<'where'>;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry }); // memory, CPU, garbage collection, delay of the event loop
    this.#countListeners();
    this.#commands = new Counter({
      name: 'rainmail_commands_total',
      help: 'Commands, by protocol and name.',
      labelNames: ['protocol', 'command'],
      registers,
    });
    this.#signIns = new Counter({
      name: 'rainmail_sign_ins_total',
      help: 'Attempts to sign in, by protocol and result.',
      labelNames: ['protocol', 'result'],
      registers,
    });
    this.#deliveries = new Counter({
      name: 'rainmail_deliveries_total',
      help: 'Recipients that mail was taken in for, by protocol and result.',
      labelNames: ['protocol', 'result'],
      registers,
    });
    this.#refusals = new Counter({
      name: 'rainmail_refusals_total',
      help: 'Wishes that were understood and not granted, by code.',
      labelNames: ['code'],
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

  /** The names under which commands of a protocol are counted. @throws Error when they are too many for a label */
  knowCommands(protocol: string, names: Iterable<string>): void {
    const known = new Set(names);
    if (known.size > MOST_COMMAND_NAMES) throw new Error(`${protocol} has too many commands to count each`);
    this.#commandNames.set(protocol, known);
  }

  command(protocol: string, name: string, times = 1): void {
    const command = this.#commandNames.get(protocol)?.has(name) ? name : 'other';
    this.#commands.inc({ protocol, command }, times);
  }

  signIn(protocol: string, result: SignInResult): void {
    this.#signIns.inc({ protocol, result });
  }

  delivery(protocol: string, result: DeliveryResult, recipients = 1): void {
    this.#deliveries.inc({ protocol, result }, recipients);
  }

  refusal(code: RefusalCode): void {
    this.#refusals.inc({ code });
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

  #countListeners(): void {
    const listeners = this.#listeners;
    const gauge = (name: string, help: string, read: (listener: CountedListener) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ['protocol'],
        registers: [this.registry],
        collect() {
          this.reset();
          for (const listener of listeners) this.inc({ protocol: listener.protocol.name }, read(listener));
        },
      });
    const counter = (name: string, help: string, read: (listener: CountedListener) => number) =>
      new Counter({
        name,
        help,
        labelNames: ['protocol'],
        registers: [this.registry],
        collect() {
          this.reset();
          for (const listener of listeners) this.inc({ protocol: listener.protocol.name }, read(listener));
        },
      });
    gauge('rainmail_connections', 'Connections open now.', ({ open }) => open);
    counter('rainmail_connections_total', 'Connections accepted.', ({ totals }) => totals.accepted);
    counter('rainmail_connections_turned_away_total', 'Connections over a limit.', ({ totals }) => totals.turnedAway);
    counter('rainmail_bytes_in_total', 'Bytes received, without TLS.', ({ traffic }) => traffic.bytesIn);
    counter('rainmail_bytes_out_total', 'Bytes sent, without TLS.', ({ traffic }) => traffic.bytesOut);
  }
}
