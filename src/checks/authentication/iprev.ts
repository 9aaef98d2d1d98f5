/** Does the address have a name, and the name the address (RFC 8601 3)? It decides nothing; people and later filters read it. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Lookups } from './lookups.ts';
import type { Finding } from './types.ts';

/** RFC 8601 3 advises a limit; more names than this are nobody's honest server. */
const MOST_NAMES = 10;

/** @returns a finding with the name, if there is one that leads back */
export async function iprev(address: string, lookups: Lookups): Promise<Finding> {
  const found = (result: string, name?: string): Finding => ({
    result,
    row: `iprev=${result}${name === undefined ? '' : ` (${name})`} policy.iprev=${quoted(address)}`,
    ...(name !== undefined && { domain: name }),
  });
  const type = isIPv4(address) ? 'A' : 'AAAA';
  try {
    const names = (await lookups.records(reverseName(address), 'PTR')).filter(isHostName);
    if (names.length === 0) return found('permerror');
    for (const name of names.slice(0, MOST_NAMES)) {
      const addresses = await lookups.records(name, type);
      if (addresses.some((each) => canonical(each) === canonical(address))) return found('pass', name);
    }
    return found('fail');
  } catch {
    return found('temperror'); // the DNS can't say; the resolver has counted it
  }
}

/** RFC 1035 3.5, RFC 3596 2.5 */
export function reverseName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const hex = canonical(address)
    .split(':')
    .map((group) => group.padStart(4, '0'))
    .join('');
  return `${[...hex].reverse().join('.')}.ip6.arpa`;
}

/** One form for each address: that of IPv6 with all eight groups. */
function canonical(address: string): string {
  if (!isIPv6(address)) return address;
  const short = new SocketAddress({ address: address.split('%', 1)[0]!, family: 'ipv6' }).address;
  const [head = '', tail] = short.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back].join(':');
}

/** What may stand in a comment of a header: a name in the DNS can hold any byte. */
function isHostName(name: string): boolean {
  return /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(name);
}

/** RFC 2045 5.1: a colon makes it no token. */
function quoted(address: string): string {
  return address.includes(':') ? `"${address}"` : address;
}
