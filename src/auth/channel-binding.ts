/**
 * Channel binding: what both ends of one TLS connection know and nobody between them does (RFC 5929, RFC 9266).
 *
 * - TLS 1.3: `tls-exporter` (RFC 9266). `tls-unique` is not defined there.
 * - TLS 1.2: `tls-unique` after a full handshake only: after a resumed one it may be the same on two connections with a man between
 *   (RFC 7627 1), and Node does not tell whether the extended master secret was negotiated. For the same reason no exporter.
 * - Both: `tls-server-end-point`, the hash of our certificate.
 */
import { hash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** What is asked of a TLS socket here; a TLSSocket of Node has it all. */
export type BoundSocket = Pick<
  TLSSocket,
  'getProtocol' | 'exportKeyingMaterial' | 'getPeerFinished' | 'isSessionReused' | 'getX509Certificate'
>;

/**
 * The binding data of a type on this connection.
 * @returns null when the type is unknown or not right for the connection
 */
export function channelBinding(socket: BoundSocket, type: string): Buffer | null {
  const protocol = socket.getProtocol();
  switch (type) {
    case 'tls-exporter':
      if (protocol !== 'TLSv1.3') return null;
      return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)); // RFC 9266 2
    case 'tls-unique':
      if (protocol !== 'TLSv1.2' || socket.isSessionReused()) return null;
      return socket.getPeerFinished() ?? null; // RFC 5929 3.1: the first Finished of a full handshake is the client's
    case 'tls-server-end-point':
      return serverEndPoint(socket.getX509Certificate());
    default:
      return null;
  }
}

/** RFC 5929 4.1: by the hash of the certificate's signature, but never weaker than SHA-256; null where there is none (Ed25519). */
function serverEndPoint(certificate: X509Certificate | undefined): Buffer | null {
  const digest = certificate?.signatureAlgorithm?.match(/md5|sha1|sha-?(?:224|256|384|512)/i)?.[0].toLowerCase();
  if (certificate === undefined || digest === undefined) return null;
  const name = digest === 'md5' || digest === 'sha1' ? 'sha256' : digest.replace('-', '');
  return hash(name, certificate.raw, 'buffer');
}
