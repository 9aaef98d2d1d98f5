/** The DNS records that a domain should have, from what the running server serves. */
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { type DnsPurpose, dnsRecords, zoneFile } from '../../autoconfig/dns.ts';
import { formatAddress, parseDomain } from '../../directory/address.ts';
import type { Directory } from '../../directory/directory.ts';
import { Refused } from '../../errors.ts';
import { action } from './action.ts';

/** Where other servers bring mail. */
const SMTP_PORT = 25;

export interface DomainRecords {
  readonly domain: string;
  readonly purposes: readonly DnsPurpose[];
  readonly zoneFile: string;
}

export const showDnsRecords = action({
  name: 'dns.records',
  input: z.strictObject({ domain: z.string() }),
  async run({ directory, server }, { domain: text }): Promise<DomainRecords> {
    if (server === null) {
      throw new Refused(
        'server.needed',
        'The records name the ports of the running server, and none runs here. Start it, then ask again.',
      );
    }
    const domain = parseDomain(text);
    const access = domain && (await directory.domainAccess(domain));
    if (domain === null || !access) {
      throw new Refused(
        'directory.missing',
        `The domain ${text} is not served here. rainmail domain list shows those that are.`,
      );
    }
    const takesMail = server.listening.some(({ service, port }) => service === 'smtp' && port === SMTP_PORT);
    const facts = {
      domain,
      services: server.reachable,
      access,
      takesMail,
      hasPostmaster: await leadsToSomebody(directory, formatAddress({ local: 'postmaster', domain })),
    };
    const purposes = dnsRecords(facts);
    return { domain, purposes, zoneFile: zoneFile(facts, purposes, publicAddresses()) };
  },
});

async function leadsToSomebody(directory: Directory, address: string): Promise<boolean> {
  return (await directory.resolve(address)).kind === 'accounts';
}

/** Addresses of this machine that others could reach. */
function publicAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}
