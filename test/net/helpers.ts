/** A listener on a free port, and peers that talk to it over real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { generate } from 'selfsigned';
import type { Serve } from '../../src/net/connection-types.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { Listener, type ListenerOptions } from '../../src/net/listener.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers that somebody still holds. */
export function liveBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

export const silent = pino({ level: 'silent' });

/** A clock that goes on when it is told to. */
export class Clock {
  now = 0;
  readonly read = () => this.now;
}

export interface TrialListener extends Peers {
  readonly listener: Listener;
  readonly port: number;
  readonly faults: { where: string; error: unknown }[];
}

export interface TrialOptions extends Partial<Omit<ListenerOptions, 'protocol'>> {
  readonly serve: Serve;
  readonly strictLines?: boolean;
  readonly idleTimeout?: number;
}

/** Listens until the test ends; then asserts that it had no fault that the test did not take out of `faults`. */
export async function trialListener(t: TestContext, options: TrialOptions): Promise<TrialListener> {
  const { serve, strictLines = false, idleTimeout = 600_000, ...rest } = options;
  const faults: { where: string; error: unknown }[] = [];
  const listener = await Listener.listen({
    protocol: { name: 'pop3', strictLines, idleTimeout, serve, farewell: (why) => `farewell: ${why}\r\n` },
    addresses: [{ host: '127.0.0.1', port: 0 }],
    implicitTls: false,
    certificates: null,
    limits: new ConnectionLimits({ connections: 1000, byAddress: 1000, byAccount: 1000 }),
    linesAWindow: 1_000_000,
    log: silent,
    onInternalError: (where, error) => faults.push({ where, error }),
    sweepEvery: 5,
    ...rest,
  });
  const { port } = listener.addresses[0]!;
  const peers = peersOf(t, port);
  t.after(async () => {
    await listener.stop(0);
    assert.deepEqual(faults, []);
  });
  return { listener, port, faults, ...peers };
}

/** How peers come to a port of this machine. */
export interface Peers {
  /** A connection whose bytes are the test's own. */
  connect(): Promise<Peer>;
  connectTls(options?: ConnectionOptions): Promise<Peer>;
}

/** They are gone when the test is over, before what is ended later. */
export function peersOf(t: TestContext, port: number): Peers {
  const peers: Peer[] = [];
  t.after(() => {
    for (const { socket } of peers) socket.destroy();
  });
  const keep = (peer: Peer) => {
    peers.push(peer);
    return peer;
  };
  return {
    async connect() {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      await once(socket, 'connect');
      return keep(new Peer(socket));
    },
    async connectTls(tls = {}) {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...tls });
      await once(socket, 'secureConnect');
      return keep(new Peer(socket));
    },
  };
}

/** The other end of a connection. */
export class Peer {
  readonly socket: Socket;
  /** All that has come; see {@link until}. */
  received = '';
  /** The connection was ended or broken by the other side. */
  ended = false;
  #look: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.#look?.();
    });
    const end = () => {
      this.ended = true;
      this.#look?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  send(data: string | Buffer): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Waits until `text` has come, and takes all up to its end. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at !== -1) {
        const taken = this.received.slice(0, at + text.length);
        this.received = this.received.slice(taken.length);
        return taken;
      }
      assert.ok(
        !this.ended,
        `the connection ended before ${JSON.stringify(text)} came, after ${JSON.stringify(this.received.slice(-200))}`,
      );
      await this.#news();
    }
  }

  /** Waits for the end of the connection, and takes all that came before it. */
  async untilEnd(): Promise<string> {
    while (!this.ended) await this.#news();
    const taken = this.received;
    this.received = '';
    return taken;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#look = resolve;
    });
  }
}

/** A certificate for `name`, its key, and what TLS makes of them. */
export async function certificate(name = 'localhost'): Promise<{ cert: string; key: string; context: SecureContext }> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  return { cert, key, context: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }) };
}
