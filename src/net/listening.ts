/** The sockets of a listener that wait for connections, one for each of its addresses. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';

/** Connections the kernel may hold for us while the loop is busy (it takes at most net.core.somaxconn). */
const BACKLOG = 4096;

export interface Address {
  /** `127.0.0.1`, `::` */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export class Listening {
  readonly #servers: Server[] = [];
  readonly #accept: (socket: Socket) => void;
  readonly #log: Logger;

  /** @param accept  is given each connection, half open when its peer has sent its last byte */
  constructor(accept: (socket: Socket) => void, log: Logger) {
    this.#accept = accept;
    this.#log = log;
  }

  /** Listens on all of the addresses. @throws the error of the first that failed, with `address` and `port`: {@link close} ends the others */
  async open(addresses: readonly Address[]): Promise<void> {
    // `::` takes IPv4 as well, unless `0.0.0.0` is listened on beside it.
    const ipv6Only = addresses.some(({ host }) => host === '0.0.0.0');
    for (const address of addresses) this.#servers.push(await this.#open(address, ipv6Only));
  }

  /** Where it listens, with the ports that were free. Empty once it is closed. */
  get addresses(): readonly Address[] {
    return this.#servers
      .filter((server) => server.listening)
      .map((server) => server.address() as AddressInfo)
      .map(({ address, port }) => ({ host: address, port }));
  }

  /** Accepts nobody any more, from this call on. Resolves when the connections that it has accepted are closed, too. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #open({ host, port }: Address, ipv6Only: boolean): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, this.#accept);
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG, ipv6Only }, () => {
        server.off('error', reject);
        // Accepting failed, for want of descriptors as a rule: the connection is lost, the listener goes on.
        server.on('error', (error) => this.#log.error({ err: error }, 'a connection could not be accepted'));
        resolve(server);
      });
    });
  }
}
