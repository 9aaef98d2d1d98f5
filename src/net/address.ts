/** IP addresses as text, as sockets and proxies give them. */
import { type BlockList, isIPv6 } from 'node:net';

/** IPv4 in its own clothes: a socket that listens on both families says `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** @param address as {@link plainAddress} gives it */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/**
 * What counts as one peer: an IPv4 address, or the /64 of an IPv6 address, which is what one network has to itself
 * (RFC 4291 2.5.4).
 */
export function peerOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::') as [string, string?];
  const first = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    const inLast = last.length + (tail.includes('.') ? 1 : 0); // a dotted end stands for two groups
    while (first.length < 4 && first.length + inLast < 8) first.push('0');
    first.push(...last);
  }
  return `${first
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** @param address as {@link plainAddress} gives it */
export function isIn(networks: BlockList, address: string): boolean {
  return networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
