/** What a domain's DNS is held against, and what is found there. */
import type { X509Certificate } from 'node:crypto';
import { type DnsFacts, type DnsRecord, dnsRecords } from '../../autoconfig/dns.ts';
import type { Config } from '../../config/schema.ts';
import type { Resolver } from '../../dns/resolver.ts';
import type { SeenKey } from '../../signing/keyring.ts';
import type { EpochSeconds } from '../../store/ids.ts';

/** `must`: without it mail is lost or refused. `should`: some servers refuse, or distrust, what comes from here. `nice`: it makes things better. */
export const GROUPS = ['must', 'should', 'nice'] as const;
export type Group = (typeof GROUPS)[number];

/** One thing that was looked at. */
export interface Finding {
  readonly group: Group;
  /** In the DNS's own word: `MX`, `SPF`. */
  readonly about: string;
  /** `unknown`: nobody could say. */
  readonly state: 'good' | 'wrong' | 'unknown';
  readonly text: string;
  /** Why it matters; empty when it is good. */
  readonly why: string;
  /** Lines for the zone file that set it right, with whole names. */
  readonly lines: readonly string[];
}

/** A domain with all that is known of it here. */
export interface Zone {
  readonly facts: DnsFacts;
  /** As this server calls itself to others. */
  readonly name: string;
  /** From which addresses it sends; empty: from those of its name. */
  readonly sendsFrom: readonly string[];
  /** The server that takes all its mail to others, such as the provider's; null: it goes to theirs. */
  readonly relay: string | null;
  readonly keys: readonly SeenKey[];
  readonly policyMode: Config['mtaSts']['mode'];
  /** Those that the policy names, as it stands there. */
  readonly policyHosts: readonly string[];
  /** The certificate that is shown to who asks for a name, and who issued it. */
  readonly certificates: (name: string) => readonly X509Certificate[];
  /** Certificates are ordered by the server, each with a new key. */
  readonly newKeys: boolean;
  /** Somebody here reads what is sent to an address. */
  readonly isRead: (address: string) => Promise<boolean>;
  readonly resolver: Pick<Resolver, 'query'>;
  readonly now: EpochSeconds;
}

/** Looks at one thing. @throws Refused `dns.unavailable` when nobody could say */
export interface ZoneCheck {
  readonly about: string;
  readonly group: Group;
  run(zone: Zone): Promise<Finding[]>;
}

export function good(group: Group, about: string, text: string): Finding {
  return { group, about, state: 'good', text, why: '', lines: [] };
}

export function wrong(group: Group, about: string, text: string, why: string, lines: readonly string[] = []): Finding {
  return { group, about, state: 'wrong', text, why, lines };
}

/** Nobody could say. */
export function unknown(group: Group, about: string, text: string): Finding {
  return { group, about, state: 'unknown', text, why: '', lines: [] };
}

/** The records of a name below the domain that it should have, as lines. */
export function wanted(zone: Zone, name: string, type: DnsRecord['type']): string[] {
  return expected(zone)
    .filter((record) => record.name === name && record.type === type)
    .map((record) => lineOf(zone, record));
}

/** All records that the domain should have. */
export function expected({ facts }: Zone): DnsRecord[] {
  return dnsRecords(facts).flatMap(({ records }) => records);
}

/** A record as a line with whole names, for whatever zone file. */
export function lineOf({ facts: { domain } }: Zone, { name, type, value }: DnsRecord): string {
  return `${name === '@' ? domain : `${name}.${domain}`}. IN ${type} ${value}`;
}

/** A text as a zone file has it: in strings of 255 bytes (RFC 1035 3.3.14). */
export function quoted(text: string): string {
  return (text.match(/.{1,255}/g) ?? ['']).map((part) => `"${part}"`).join(' ');
}

/** The IPv4 and IPv6 addresses of a name. */
export async function addressesOf({ resolver }: Zone, name: string): Promise<string[]> {
  const [four, six] = [await resolver.query(name, 'A'), await resolver.query(name, 'AAAA')];
  return [...four.records, ...six.records];
}

/** The texts under a name that begin as they should, in their own way of writing. */
export async function textsAt({ resolver }: Zone, name: string, begins: RegExp): Promise<string[]> {
  return (await resolver.query(name, 'TXT')).records.filter((text) => begins.test(text));
}
