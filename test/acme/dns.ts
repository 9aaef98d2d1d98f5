/** A name server for one test: every name is this machine, but for those that the test says are not there. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { defer } from '../helpers/defer.ts';

const TYPE_A = 1;

export class NameServer {
  /** Names that are not there. */
  readonly missing = new Set<string>();
  /** Called with each name asked for; the answer waits for it. */
  onQuestion: (name: string) => Promise<void> = async () => {};
  readonly #socket = createSocket('udp4');

  static async start(t: TestContext): Promise<NameServer> {
    const server = new NameServer();
    server.#socket.on('message', (question, { port, address }) => {
      const { name, type, end } = read(question);
      void server.onQuestion(name).then(() => {
        server.#socket.send(answer(question.subarray(0, end), type, server.missing.has(name)), port, address);
      });
    });
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    defer(t, () => server.#socket.close());
    return server;
  }

  get address(): string {
    return `127.0.0.1:${(this.#socket.address() as AddressInfo).port}`;
  }
}

/** The question of a DNS message: its name, type and where it ends. */
function read(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function answer(question: Buffer, type: number, missing: boolean): Buffer {
  const message = Buffer.from(question);
  const found = type === TYPE_A && !missing;
  message.writeUInt16BE(missing ? 0x8183 : 0x8180, 2); // a reply; NXDOMAIN or none
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(found ? 1 : 0, 6);
  message.writeUInt32BE(0, 8);
  if (!found) return message;
  return Buffer.concat([message, Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1])]);
}
