/** An HTTP listener on a free port with a handler of the test, and peers that talk to it over real sockets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { HTTP_TIMES, HttpListener, type HttpListenerOptions, type HttpTimes } from '../../src/http/listener.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { certificate, type Peers, peersOf, silent } from '../net/helpers.ts';

export interface TrialHttp extends Peers {
  readonly listener: HttpListener;
  readonly port: number;
}

export interface TrialHttpOptions extends Partial<Omit<HttpListenerOptions, 'times' | 'certificates'>> {
  readonly times?: Partial<HttpTimes>;
  readonly secure?: boolean;
}

/** Answers with the method and path that were asked. */
export function echo(request: IncomingMessage, response: ServerResponse): void {
  response.end(`${request.method} ${request.url}`);
}

/** Listens until the test ends; all connections must be over then. */
export async function trialHttp(t: TestContext, options: TrialHttpOptions = {}): Promise<TrialHttp> {
  const { times, secure = false, ...rest } = options;
  const { context } = secure ? await certificate() : { context: undefined };
  const listener = await HttpListener.listen({
    name: 'http',
    addresses: [{ host: '127.0.0.1', port: 0 }],
    handle: echo,
    certificates: secure ? { tlsOptions: () => ({ secureContext: context!, ALPNProtocols: ['http/1.1'] }) } : null,
    limits: new ConnectionLimits({ connections: 1000, byAddress: 1000, byAccount: 1000 }),
    log: silent,
    times: { ...HTTP_TIMES, checkEvery: 5, ...times },
    ...rest,
  });
  const { port } = listener.addresses[0]!;
  const peers = peersOf(t, port);
  t.after(() => listener.stop(0));
  return { listener, port, ...peers };
}

/** A request without a body. */
export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: mail.office.test\r\n\r\n`;
}
