/** The DNS records that a domain should have. */
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { type DnsPurpose, dnsRecords, zoneFile } from '../../autoconfig/dns.ts';
import { action } from './action.ts';
import { dnsFacts } from './zone.ts';

export interface DomainRecords {
  readonly domain: string;
  readonly purposes: readonly DnsPurpose[];
  readonly zoneFile: string;
}

export const showDnsRecords = action({
  name: 'dns.records',
  input: z.strictObject({ domain: z.string() }),
  async run(office, { domain: text }): Promise<DomainRecords> {
    const facts = await dnsFacts(office, text);
    const purposes = dnsRecords(facts);
    return { domain: facts.domain, purposes, zoneFile: zoneFile(facts, purposes, publicAddresses()) };
  },
});

/** Addresses of this machine that others could reach. */
function publicAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}
