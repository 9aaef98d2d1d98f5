/**
 * Whether the servers of the routes take mail, as the log, the metrics and the health page tell of it: with a wrong password, or a certificate that has
 * expired, all mail of an office may wait for one.
 */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { lineOf } from '../outbound/reply.ts';
import type { RecipientOutcome } from '../outbound/types.ts';

export interface RouteReport {
  /** `host:port` */
  readonly route: string;
  /** Why mail could not be given to it the last time; null: it could, or it was not tried yet. */
  readonly trouble: string | null;
}

export class RouteWatch {
  readonly #log: Logger;
  /** By destination. */
  readonly #troubles: Map<string, string | null>;

  /** @param routes  as destinations: few, they are those of the configuration */
  constructor(routes: readonly string[], registry: Registry, log: Logger) {
    this.#log = log;
    this.#troubles = new Map(routes.map((route) => [route, null]));
    const reports = () => this.report();
    new Gauge({
      name: 'rainmail_route_failed',
      help: '1 for a route whose server was away, or would not let us in, the last time mail was to go there. An alarm.',
      labelNames: ['route'],
      registers: [registry],
      collect() {
        for (const { route, trouble } of reports()) this.set({ route }, Number(trouble !== null));
      },
    });
  }

  /** What an attempt came to. One line when it begins to fail, or for another reason, and one when it is over. */
  note({ recipient: { destination }, kind, said, tls }: RecipientOutcome): void {
    const was = this.#troubles.get(destination);
    const isReached = tls !== undefined;
    // That its time is over, or that somebody holds it, says nothing of the server.
    if (was === undefined || !(isReached || kind === 'deferred')) return;
    const trouble = isReached ? null : lineOf(said);
    this.#troubles.set(destination, trouble);
    const route = nameOf(destination);
    if (trouble !== null && trouble !== was)
      this.#log.warn({ route, said: trouble }, 'mail can not be given to the server of a route, and waits');
    if (trouble === null && was !== null) this.#log.info({ route }, 'mail can be given to the server of a route again');
  }

  /** For the health page. */
  report(): RouteReport[] {
    return [...this.#troubles].map(([destination, trouble]) => ({ route: nameOf(destination), trouble }));
  }
}

function nameOf(destination: string): string {
  return destination.replace(/^route:/, '');
}
