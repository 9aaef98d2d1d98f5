/** What the DNS of a domain lacks, or says wrong. */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { stsHosts } from '../../autoconfig/mta-sts.ts';
import { Refused } from '../../errors.ts';
import { nowSeconds } from '../../store/ids.ts';
import { checkZone, isTrouble } from '../dns-check/check-zone.ts';
import type { Finding, Zone } from '../dns-check/zone.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';
import { dnsFacts, leadsToSomebody, signingOf } from './zone.ts';

export interface ZoneChecked {
  readonly domain: string;
  /** Nothing is missing or wrong that must or should be there. */
  readonly sound: boolean;
  readonly findings: readonly Finding[];
}

/** Not a change: that a key begins to sign where the DNS shows it is the server's doing. */
export const checkDns = action({
  name: 'dns.check',
  input: z.strictObject({ domain: z.string() }),
  async run(office, { domain }): Promise<ZoneChecked> {
    const zone = await zoneOf(office, domain);
    const findings = await checkZone(zone);
    return { domain: zone.facts.domain, sound: !findings.some(isTrouble), findings };
  },
});

async function zoneOf(office: Office, text: string): Promise<Zone> {
  const facts = await dnsFacts(office, text);
  const { config, certificates, directory, resolver, server } = office;
  if (resolver === null || server === null) throw new Refused('server.needed', 'Only a running server asks the DNS.');
  return {
    facts,
    name: server.name.toLowerCase(),
    sendsFrom: config.outbound.localAddresses,
    relay: config.routes.find(({ domains }) => domains.includes('*'))?.host ?? null,
    keys: await signingOf(office).keyring.look(facts.domain),
    policyMode: config.mtaSts.mode,
    policyHosts: stsHosts(config.mtaSts, facts.services),
    certificates: (name) => (certificates === null ? [] : chainOf(certificates.signer(name).chain)),
    newKeys: config.acme.enabled,
    isRead: (address) => leadsToSomebody(directory, address.toLowerCase()),
    // Whoever asks has just changed something.
    resolver: { query: (name, type) => resolver.query(name, type, { fresh: true }) },
    now: nowSeconds(),
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function chainOf(pem: Buffer): X509Certificate[] {
  return (pem.toString().match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
}
