/** The line to the old server, which can be cut or watched: a TCP proxy. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { defer } from '../helpers/defer.ts';

export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #wait: { bytes: number; act: () => void } | undefined;

  static async to(t: TestContext, port: number): Promise<Line> {
    const line = new Line(port);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    defer(t, () => {
      line.cut();
      line.#server.close();
    });
    return line;
  }

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {}); // that is what this is for
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      far.on('data', (chunk) => this.#passed(chunk.length));
      near.pipe(far);
      far.pipe(near);
    });
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Does something once so many bytes have come from the old server. */
  after(bytes: number, act: () => void): void {
    this.#wait = { bytes, act };
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #passed(bytes: number): void {
    if (this.#wait === undefined) return;
    this.#wait.bytes -= bytes;
    if (this.#wait.bytes > 0) return;
    const { act } = this.#wait;
    this.#wait = undefined;
    act();
  }
}
