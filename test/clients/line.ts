/** A line to the office's POP3, as clients have it: a relay on a port of its own that stays, and on which a connection can break. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { defer } from '../helpers/defer.ts';
import type { TrialOffice } from '../helpers/office.ts';

const QUIT = 'QUIT\r\n';

export class Line {
  readonly #office: TrialOffice;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #breakAfter = Infinity;
  #holdQuit: ((letGo: () => void) => void) | undefined;

  private constructor(office: TrialOffice) {
    this.#office = office;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async open(t: TestContext, office: TrialOffice): Promise<Line> {
    const line = new Line(office);
    await once(line.#server.listen(0, 'localhost'), 'listening');
    defer(t, () => line.#close());
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection breaks when so many bytes have come from the office. */
  breakAfter(bytes: number): void {
    this.#breakAfter = bytes;
  }

  /** Holds up the next QUIT. @returns resolves when the client has said it: what lets it go on to the office */
  holdQuit(): Promise<() => void> {
    return new Promise((resolve) => {
      this.#holdQuit = resolve;
    });
  }

  #relay(client: Socket): void {
    const office = connect(this.#office.port('pop3'), '127.0.0.1');
    let left = this.#breakAfter;
    this.#breakAfter = Infinity;
    office.on('data', (chunk: Buffer) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) for (const socket of [office, client]) socket.resetAndDestroy();
    });
    client.on('data', (chunk: Buffer) => {
      const said = chunk.toString('latin1');
      const hold = this.#holdQuit;
      if (hold === undefined || !said.toUpperCase().endsWith(QUIT)) return office.write(chunk);
      this.#holdQuit = undefined;
      office.write(chunk.subarray(0, -QUIT.length));
      hold(() => office.write(QUIT));
      return true;
    });
    for (const [socket, other] of [
      [client, office],
      [office, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // `close` follows
      socket.on('end', () => other.end());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroySoon();
      });
    }
  }

  #close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
