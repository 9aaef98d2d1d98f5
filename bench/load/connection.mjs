/** What the three line protocols share: a socket, and those who wait for answers, served in order, within a time. */
import net from 'node:net';
import { options } from './options.mjs';

/** Those with somebody waiting, at least since the last look. */
const watched = new Set();

setInterval(() => {
  for (const waiters of watched) waiters.look();
}, 1000).unref();

export class Waiters {
  queue = [];
  /** Why there will be no more answers; undefined while there may be. */
  ended = undefined;
  /** The wait may rightly be long. */
  patient = false;
  #lastSign = 0;

  add(extra) {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    if (this.queue.length === 0) {
      this.alive();
      watched.add(this);
    }
    const waiter = { ...extra };
    const answer = new Promise((resolve, reject) => {
      waiter.resolve = resolve;
      waiter.reject = reject;
    });
    this.queue.push(waiter);
    return answer;
  }

  alive() {
    this.#lastSign = performance.now();
  }

  /** Ends the connection when nothing has come for --timeout seconds while somebody waits. */
  look() {
    if (this.queue.length === 0) watched.delete(this);
    else if (!this.patient && performance.now() - this.#lastSign > options.timeout * 1000) {
      this.end(new Error(`no answer in ${options.timeout} s`));
    }
  }

  end(error) {
    this.ended ??= error;
    watched.delete(this);
    for (const waiter of this.queue.splice(0)) waiter.reject(error);
  }
}

/** Connects, and gives what comes to `client.data`, its end to `client.waiters`. */
export function connect(client, port) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: options.host, port, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.on('data', (chunk) => {
      client.waiters.alive();
      client.data(chunk);
    });
    socket.on('error', (error) => {
      reject(error);
      client.waiters.end(error);
    });
    socket.on('close', () => client.waiters.end(new Error('connection closed')));
  });
}

/** Connects and waits for the greeting. */
export async function greeted(client, port, extra) {
  const greeting = client.waiters.add(extra);
  greeting.catch(() => {}); // told by connect, when that fails
  client.socket = await connect(client, port);
  return greeting;
}

export function close(client) {
  client.waiters.end(new Error('closed'));
  client.socket?.destroy();
}
