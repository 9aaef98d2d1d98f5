/** Who is at the other end of a connection: the client that a trusted proxy names, or the peer of the socket. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Peer } from '../auth/types.ts';
import type { SignInProtocol } from '../directory/types.ts';
import { isLoopback, plainAddress } from '../net/address.ts';
import type { Ends } from '../net/proxy-protocol.ts';

/** The ends as a proxy told them, null when it couldn't, by the socket that requests come from. No entry: there is no proxy. */
const proxied = new WeakMap<Socket, Ends | null>();

export interface Client {
  readonly address: string;
  readonly port: number;
  /** Both ends are loopback and no proxy says otherwise. */
  readonly local: boolean;
  /** Undefined: the connection is not encrypted. */
  readonly tls: TLSSocket | undefined;
}

/** Notes what a proxy said of the connection whose requests come from `socket`. */
export function comesThrough(socket: Socket, ends: Ends | null): void {
  proxied.set(socket, ends);
}

/** The client of a request: `clientOf(request.raw)`. */
export function clientOf({ socket }: Pick<IncomingMessage, 'socket'>): Client {
  const ends = proxied.get(socket);
  const address = plainAddress(ends?.remoteAddress ?? socket.remoteAddress ?? '');
  const localAddress = plainAddress(ends?.localAddress ?? socket.localAddress ?? '');
  return {
    address,
    port: ends?.remotePort ?? socket.remotePort ?? 0,
    local: ends !== null && isLoopback(address) && isLoopback(localAddress),
    tls: socket instanceof TLSSocket ? socket : undefined,
  };
}

/** The client as the authenticator wants to know it. */
export function peerOf(request: Pick<IncomingMessage, 'socket'>, protocol: SignInProtocol): Peer {
  const { address, local, tls } = clientOf(request);
  return { protocol, address, tls, mayUsePassword: local || tls !== undefined };
}
