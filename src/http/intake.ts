/** What comes before the first request of a connection: the header of a proxy, and the TLS handshake. */
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { BadCommand } from '../errors.ts';
import { type Ends, MOST_PROXY_HEADER, parseProxyHeader } from '../net/proxy-protocol.ts';

/**
 * Reads the header of a proxy; what follows it stays in the socket.
 * @returns the ends that it names, null when it can't tell them
 * @throws BadCommand when it is none, or the connection ended before
 */
export async function readProxyHeader(socket: Socket): Promise<Ends | null> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (!(await hasMore(socket))) throw new BadCommand('the connection ended before the PROXY header did');
      continue;
    }
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes.subarray(0, MOST_PROXY_HEADER));
    if (header === undefined) continue;
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
    return header.ends;
  }
}

/** Waits for bytes. False: none will come. */
function hasMore(socket: Socket): Promise<boolean> {
  if (socket.readableEnded || socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const more = () => finish(true);
    const over = () => finish(false);
    const finish = (answer: boolean) => {
      socket.off('readable', more).off('end', over).off('close', over);
      resolve(answer);
    };
    socket.on('readable', more).on('end', over).on('close', over);
  });
}

/** Puts TLS on a connection, from its first byte. @throws BadCommand, with the socket destroyed, when the handshake fails */
export async function secure(socket: Socket, options: TLSSocketOptions): Promise<TLSSocket> {
  const tls = new TLSSocket(socket, { ...options, isServer: true });
  await new Promise<void>((resolve, reject) => {
    const done = () => finish(false);
    const broken = () => finish(true);
    const finish = (failed: boolean) => {
      tls.off('secure', done).off('end', broken).off('close', broken);
      if (!failed) return resolve();
      tls.destroy();
      reject(new BadCommand('the TLS handshake failed', { cause: tls.errored }));
    };
    // 'close' follows an error, and tells everybody; it stays, since the HTTP server has its own only while it reads.
    tls.on('error', () => {});
    tls.on('secure', done).on('end', broken).on('close', broken);
  });
  return tls;
}
