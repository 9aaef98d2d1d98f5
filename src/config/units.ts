/** Sizes, durations, networks and listening addresses as an administrator writes them. Pure. */
import { BlockList, isIP } from 'node:net';
import type { Milliseconds } from '../store/ids.ts';

const SIZES: Readonly<Record<string, number>> = { B: 1, KB: 1 << 10, MB: 1 << 20, GB: 1 << 30, TB: 2 ** 40 };
const DURATIONS: Readonly<Record<string, Milliseconds>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bytes of a size such as `50MB` (a KB is 1,024 bytes), or undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)$/i.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * SIZES[match[2]!.toUpperCase()]!);
}

/** Milliseconds of a duration such as `30m` or `14d`, or undefined when it is none. */
export function parseDuration(text: string): Milliseconds | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * DURATIONS[match[2]!]!;
}

/**
 * A moment, in milliseconds since 1970, or undefined when it is none: a time ago (`2d`, `90m`), a day (`2026-11-20`, where it begins here), or a
 * day with a time (`2026-11-20 14:30`, the time here; or with the zone it is in, as in ISO 8601).
 */
export function parseMoment(text: string, now: Milliseconds): Milliseconds | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?))?$/.exec(text);
  if (match === null) return undefined;
  const [, day, time = '00:00'] = match;
  const moment = Date.parse(`${day}T${time}`);
  return Number.isNaN(moment) ? undefined : moment;
}

/** A size for people: `2.0 GB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ['bytes', 'KB', 'MB', 'GB']) {
    if (value < 1_024) return unit === 'bytes' ? `${value} bytes` : `${value.toFixed(1)} ${unit}`;
    value /= 1_024;
  }
  return `${value.toFixed(1)} TB`;
}

/** A number for people: `2,000`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** Where to listen. Without a port: the standard one of the service. */
export interface Address {
  readonly host: string;
  readonly port?: number;
}

/** An address such as `192.0.2.1`, `192.0.2.1:1143`, `[2001:db8::1]:143`, `2001:db8::1` or `localhost:143`; `*` is every address. */
export function parseAddress(text: string): Address | undefined {
  if (isIP(text) !== 0 || text === '*') return { host: text };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, v6, name, digits] = match;
  if (v6 !== undefined && isIP(v6) !== 6) return undefined;
  const host = v6 ?? name!;
  if (digits === undefined) return { host };
  const port = Number(digits);
  return port <= 65_535 ? { host, port } : undefined;
}

/** True for a network such as `192.0.2.0/24`, `2001:db8::/32` or a single address. */
export function isNetwork(text: string): boolean {
  return splitNetwork(text) !== undefined;
}

/** A set of networks, each of which {@link isNetwork}. */
export function networks(list: readonly string[]): BlockList {
  const set = new BlockList();
  for (const text of list) {
    const network = splitNetwork(text);
    if (network === undefined) throw new Error(`not a network: ${text}`);
    set.addSubnet(network.address, network.bits, network.family);
  }
  return set;
}

function splitNetwork(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address, bits, ...more] = text.split('/');
  const version = isIP(address!);
  if (version === 0 || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  return length <= most ? { address: address!, bits: length, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined;
}
