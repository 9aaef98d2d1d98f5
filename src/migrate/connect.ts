/**
 * Connections to other servers, for IMAP and POP3 alike. A certificate is either valid for the host's name, or it is the very one that the
 * administrator said to accept (by its SHA-256): old servers made their own. Nothing is sent before that is clear.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ImapTransport } from 'imapflow';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';

export interface Endpoint {
  readonly protocol: 'imap' | 'pop3';
  readonly host: string;
  readonly port: number;
  /** `none` only where the administrator asked for it. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** SHA-256 of the one certificate to accept: hexadecimal digits, with or without colons. */
  readonly certificate?: string | undefined;
}

/** Whom a source lets in. */
export interface SignIn {
  readonly user: string;
  readonly password: string;
  /** Whose mail, when `user` is a master user (SASL PLAIN, RFC 4616). */
  readonly authorize?: string;
}

/** No byte for so long: the connection is taken for lost. */
export const SILENCE: Milliseconds = 120_000;
export const CONNECT_WITHIN: Milliseconds = 30_000;

/** Opens a connection; the socket emits `error` or calls back. With `tls` the certificate was checked. */
export function open(endpoint: Endpoint, tls: boolean, onConnect: () => void): Socket {
  const { host, port } = endpoint;
  if (!tls) return connectPlain({ host, port }, onConnect);
  return checked(connectTls({ host, port, ...nameOf(host), rejectUnauthorized: false }), endpoint, onConnect);
}

/** Begins TLS on an open connection (STARTTLS, STLS). */
export function upgrade(socket: Socket, endpoint: Endpoint, onSecure: () => void): TLSSocket {
  const { host } = endpoint;
  return checked(connectTls({ socket, host, ...nameOf(host), rejectUnauthorized: false }), endpoint, onSecure);
}

/** For imapflow: its sockets are ours. */
export function transport(endpoint: Endpoint): ImapTransport {
  return {
    connect: ({ secure }, onConnect) => open(endpoint, secure, onConnect),
    upgrade: (socket, _options, onSecure) => upgrade(socket as Socket, endpoint, onSecure),
  };
}

/** Node's own check stops at an unknown certificate before it can be compared with the accepted one: so the verdict is taken here. */
function checked(socket: TLSSocket, endpoint: Endpoint, onSecure: () => void): TLSSocket {
  socket.once('secureConnect', () => {
    const fingerprint = socket.getPeerCertificate().fingerprint256 ?? '';
    const accepted = endpoint.certificate === undefined ? socket.authorized : same(fingerprint, endpoint.certificate);
    if (accepted) onSecure();
    else socket.destroy(certificateRefused(endpoint, fingerprint, String(socket.authorizationError)));
  });
  return socket;
}

function certificateRefused({ host, certificate }: Endpoint, fingerprint: string, why: string): Refused {
  const shown = `Its SHA-256 is ${fingerprint}.`;
  return new Refused(
    'source.certificate',
    certificate === undefined
      ? `The certificate of ${host} can't be verified (${why}). ${shown} If that is its own, say so: --accept-certificate ${fingerprint}`
      : `${host} has another certificate than the one to accept. ${shown} Find out why before you go on.`,
  );
}

/** Server name indication, which is for names alone. */
function nameOf(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function same(a: string, b: string): boolean {
  const digits = (text: string) => text.replaceAll(':', '').toLowerCase();
  return digits(a) === digits(b);
}
