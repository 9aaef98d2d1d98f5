/**
 * Health page and metrics over HTTP, on a local port: `GET /health` and `GET /metrics`. Nothing secret is told, and
 * nothing can be changed, but it is meant for the machine itself: addresses beyond loopback only by configuration.
 */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { libraries } from '../libraries.ts';
import type { Address } from '../net/listening.ts';
import type { Metrics } from './metrics.ts';

export interface HealthReport {
  /** `failed`: the store takes no more changes; reading goes on. */
  readonly status: 'ok' | 'stopping' | 'failed';
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly listeners: readonly {
    readonly protocol: string;
    readonly addresses: readonly Address[];
    readonly open: number;
  }[];
  /** What the store tells of itself. */
  readonly store: Readonly<Record<string, unknown>>;
  /** When the last good backup was made, and whether that is too long ago. */
  readonly backup: Readonly<Record<string, unknown>>;
  /** Until when each is valid, and why it is not renewed, if that is so. */
  readonly certificates: readonly Readonly<Record<string, unknown>>[];
  /** Whether LDAP answers, and when it was read last; absent where nobody lives there. */
  readonly ldap?: Readonly<Record<string, unknown>>;
  /** How much waits to leave for other servers, for how long, and whether that is too much. */
  readonly queue?: Readonly<Record<string, unknown>>;
  /** Whether the server of each route takes mail; why not. */
  readonly routes?: readonly object[];
  /** Whether DNS servers answer. */
  readonly dns?: Readonly<Record<string, unknown>>;
}

export interface HealthOptions {
  readonly addresses: readonly Address[];
  readonly metrics: Pick<Metrics, 'page'>;
  readonly report: () => HealthReport;
  readonly log: Logger;
}

export class HealthServer {
  readonly #servers: Server[] = [];
  readonly #options: HealthOptions;

  private constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Listens on every address, or on none and throws. */
  static async listen(options: HealthOptions): Promise<HealthServer> {
    const health = new HealthServer(options);
    try {
      for (const { host, port } of options.addresses) {
        const server = libraries.http.createServer((request, response) => void health.#answer(request, response));
        server.requestTimeout = 10_000;
        server.maxConnections = 100;
        server.listen({ host, port });
        await once(server, 'listening'); // rejects with the error when there is one
        server.on('error', (error) => options.log.error({ err: error }, 'the health page has a network error'));
        health.#servers.push(server);
      }
    } catch (error) {
      await health.close();
      throw error;
    }
    return health;
  }

  get addresses(): readonly Address[] {
    return this.#servers
      .map((server) => server.address() as AddressInfo)
      .map(({ address, port }) => ({ host: address, port }));
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map((server) => {
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, type, body } = await this.#page(request);
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : body);
    } catch (error) {
      this.#options.log.error({ err: error }, 'the health page could not be made');
      response.writeHead(500).end();
    }
  }

  async #page({ method, url }: IncomingMessage): Promise<{ status: number; type: string; body: string }> {
    const text = 'text/plain; charset=utf-8';
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: text, body: 'only GET\n' };
    switch (url?.split('?', 1)[0]) {
      case '/health': {
        const report = this.#options.report();
        const body = `${JSON.stringify(report, null, 2)}\n`;
        return { status: report.status === 'ok' ? 200 : 503, type: 'application/json', body };
      }
      case '/metrics':
        return {
          status: 200,
          type: 'text/plain; version=0.0.4; charset=utf-8',
          body: await this.#options.metrics.page(),
        };
      default:
        return { status: 404, type: text, body: 'try /health or /metrics\n' };
    }
  }
}
