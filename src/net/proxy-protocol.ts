/**
 * The PROXY protocol, versions 1 and 2: what a load balancer says about the client before the client's own first byte.
 * Pure: no I/O. Only for peers that are trusted by configuration; anyone else could claim to be anyone.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { BadCommand } from '../errors.ts';

/** Both ends of the connection that a proxy passes on. */
export interface Ends {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export interface ProxyHeader {
  /** Bytes of the header; what follows is the client's. */
  readonly length: number;
  /** Null: the proxy speaks for itself (health checks) or can't tell. */
  readonly ends: Ends | null;
}

/** Version 1 says at most 107 bytes; version 2 may carry additions, of which a certificate's name is the longest in use. */
export const MOST_PROXY_HEADER = 4096;
const MOST_V1 = 107;

const V1_START = Buffer.from('PROXY ', 'latin1');
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/**
 * Reads the header at the beginning of `bytes`.
 * @returns undefined when more bytes are needed (at most {@link MOST_PROXY_HEADER})
 * @throws BadCommand when it can't become a header
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsAlike(bytes, V1_START)) return bytes.length < V1_START.length ? undefined : parseV1(bytes);
  if (startsAlike(bytes, V2_START)) return bytes.length < 16 ? undefined : parseV2(bytes);
  throw new BadCommand('the connection does not begin with a PROXY header');
}

/** True when `bytes` begins with `start`, as far as it goes. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 993\r\n` */
function parseV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, MOST_V1).indexOf('\r\n');
  if (end === -1) {
    if (bytes.length >= MOST_V1) throw new BadCommand('the PROXY header has no end');
    return undefined;
  }
  const length = end + 2;
  const [family, ...rest] = bytes.toString('latin1', V1_START.length, end).split(' ');
  if (family === 'UNKNOWN') return { length, ends: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  const [remoteAddress = '', localAddress = '', remotePort = '', localPort = ''] = rest;
  if (isAddress === undefined || rest.length !== 4 || !isAddress(remoteAddress) || !isAddress(localAddress)) {
    throw new BadCommand('the PROXY header is malformed');
  }
  return { length, ends: { remoteAddress, remotePort: port(remotePort), localAddress, localPort: port(localPort) } };
}

function port(digits: string): number {
  const value = Number(digits);
  if (!/^(0|[1-9]\d{0,4})$/.test(digits) || value > 65_535) throw new BadCommand('the PROXY header is malformed');
  return value;
}

const TCP_IPV4 = 0x11;
const TCP_IPV6 = 0x21;

/** 12 bytes of signature, version and command, family and transport, length, addresses, additions (which we skip). */
function parseV2(bytes: Buffer): ProxyHeader | undefined {
  const version = bytes[12]! >> 4;
  const command = bytes[12]! & 15;
  if (version !== 2 || command > 1) throw new BadCommand('the PROXY header is malformed');
  const length = 16 + bytes.readUInt16BE(14);
  if (length > MOST_PROXY_HEADER) throw new BadCommand('the PROXY header is too long');
  if (bytes.length < length) return undefined;
  if (command === 0) return { length, ends: null }; // LOCAL

  const family = bytes[13]!;
  if (family !== TCP_IPV4 && family !== TCP_IPV6) return { length, ends: null };
  const size = family === TCP_IPV4 ? 4 : 16;
  const ports = 16 + 2 * size;
  if (length < ports + 4) throw new BadCommand('the PROXY header is malformed');
  const address = family === TCP_IPV4 ? ipv4 : ipv6;
  return {
    length,
    ends: {
      remoteAddress: address(bytes, 16),
      remotePort: bytes.readUInt16BE(ports),
      localAddress: address(bytes, 16 + size),
      localPort: bytes.readUInt16BE(ports + 2),
    },
  };
}

function ipv4(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

/** In the one form of RFC 5952 (as sockets give it), or the IPv4 address that it stands for. */
function ipv6(bytes: Buffer, at: number): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(at + i).toString(16));
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') return ipv4(bytes, at + 12);
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
