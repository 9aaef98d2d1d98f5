/**
 * A connection to one LDAP server, with TLS and signed in.
 *
 * Invariants
 * - Nothing but StartTLS is said before TLS, but to this machine where the settings say so; and no byte that came before TLS is ever read as
 *   an answer that came through it: what speaks LDAP over TLS is made new, with nothing in its buffer.
 * - A connection that is lost stays lost: it is never made anew behind its user's back, where it would be without TLS and without a name.
 * - Every wait has an end.
 */
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Client } from 'ldapts';
import type { Milliseconds } from '../store/ids.ts';
import type { LdapSettings } from './settings.ts';

/** RFC 4511 4.14.1. */
const START_TLS = '1.3.6.1.4.1.1466.20037';

export type ConnectionSettings = Pick<LdapSettings, 'startTls' | 'ca' | 'timeout'>;

/**
 * Connects, with TLS unless the settings allow to do without.
 * @throws what sockets and TLS throw, or what the server answers to StartTLS
 */
export async function connectLdap(url: string, settings: ConnectionSettings): Promise<Client> {
  const { protocol, host, port } = placeOf(url);
  const { timeout } = settings;
  const socket = await connected(connectTcp({ host, port, noDelay: true, keepAlive: true }), 'connect', timeout);
  try {
    if (protocol === 'ldap:' && !settings.startTls) return clientOn(socket, timeout);
    const options = await tlsOptions(host, settings);
    if (protocol === 'ldap:') await startTls(socket, timeout);
    const secure = connectTls({ ...options, socket });
    return clientOn(await connected(secure, 'secureConnect', timeout), timeout);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Ends a connection; the server need not agree. */
export async function endLdap(client: Client): Promise<void> {
  await client.unbind().catch(() => {}); // it is lost already
}

async function startTls(socket: Socket, timeout: Milliseconds): Promise<void> {
  const events = ['data', 'end', 'error', 'close', 'timeout'];
  const before = events.map((event) => socket.listeners(event));
  await clientOn(socket, timeout).exop(START_TLS);
  // This client hears no more of the connection, and is not used again: RFC 4511 4.14.2, and see the invariants.
  for (const [index, event] of events.entries()) {
    for (const listener of socket.listeners(event)) {
      if (!before[index]!.includes(listener)) socket.off(event, listener as () => void);
    }
  }
}

function clientOn(socket: Socket, timeout: Milliseconds): Client {
  let used = false;
  return new Client({
    url: 'ldap://connected',
    timeout,
    createConnection: () => {
      if (used) throw lost();
      used = true;
      return socket;
    },
  });
}

async function tlsOptions(host: string, { ca }: ConnectionSettings): Promise<ConnectionOptions> {
  return {
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === '' ? {} : { ca: await readFile(ca) }),
    minVersion: 'TLSv1.2',
  };
}

/** The socket once it is connected; it is destroyed when it isn't in time. */
function connected<S extends Socket | TLSSocket>(socket: S, event: string, timeout: Milliseconds): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {}); // it is over
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(coded('ETIMEDOUT', `no answer for ${timeout} ms`)), timeout);
    const closed = () => fail(coded('ECONNRESET', 'the server closed the connection'));
    socket.once('error', fail);
    socket.once('close', closed);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.off('close', closed);
      resolve(socket);
    });
  });
}

function placeOf(url: string): { protocol: string; host: string; port: number } {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return { protocol, host, port: port === '' ? (protocol === 'ldaps:' ? 636 : 389) : Number(port) };
}

function lost(): Error {
  return coded('ECONNRESET', 'the connection was lost');
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
