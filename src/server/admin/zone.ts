/** What the DNS records of a domain depend on, from what the running server serves. */
import type { DnsFacts, KeyRecord } from '../../autoconfig/dns.ts';
import { formatAddress, parseDomain } from '../../directory/address.ts';
import type { Directory } from '../../directory/directory.ts';
import { Refused } from '../../errors.ts';
import { type DkimKey, recordText } from '../../signing/key.ts';
import { goesAt, mayGo } from '../../signing/keyring.ts';
import type { Signing } from '../../signing/signing.ts';
import { nowSeconds } from '../../store/ids.ts';
import type { Office } from '../office.ts';

/** Where other servers bring mail. */
const SMTP_PORT = 25;

/** @param text  the domain, in any form @throws Refused `server.needed`, `directory.missing` */
export async function dnsFacts({ directory, server, signing }: Office, text: string): Promise<DnsFacts> {
  if (server === null || signing === null) {
    throw new Refused(
      'server.needed',
      'The records name the ports of the running server, and none runs here. Start it, then ask again.',
    );
  }
  const domain = servedDomain(text);
  const access = await directory.domainAccess(domain);
  if (access === null) throw notServed(text);
  const takesMail = server.listening.some(({ service, port }) => service === 'smtp' && port === SMTP_PORT);
  return {
    domain,
    services: server.reachable,
    access,
    takesMail,
    hasPostmaster: await leadsToSomebody(directory, formatAddress({ local: 'postmaster', domain })),
    keys: (await signing.keyring.keys(domain)).filter((key) => !mayGo(key, nowSeconds())).map(keyRecord),
    policyId: takesMail ? server.policyId : null,
  };
}

/** The keys of a running server. @throws Refused `server.needed` */
export function signingOf({ signing, data }: Office): Signing {
  if (signing !== null) return signing;
  throw new Refused('server.needed', `No server runs on ${data}, and keys are its business. Start it first.`);
}

/** A domain in canonical form. @throws Refused `directory.missing` */
export function servedDomain(text: string): string {
  const domain = parseDomain(text);
  if (domain === null) throw notServed(text);
  return domain;
}

function notServed(text: string): Refused {
  return new Refused(
    'directory.missing',
    `The domain ${text} is not served here. rainmail domain list shows those that are.`,
  );
}

function keyRecord(key: DkimKey): KeyRecord {
  const goes = goesAt(key);
  return {
    selector: key.selector,
    text: recordText(key),
    until: goes === null ? null : new Date(goes * 1_000).toISOString().slice(0, 10),
  };
}

/** Somebody here reads what is sent to an address. */
export async function leadsToSomebody(directory: Directory, address: string): Promise<boolean> {
  return (await directory.resolve(address)).kind === 'accounts';
}
