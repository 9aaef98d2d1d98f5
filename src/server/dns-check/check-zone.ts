/**
 * Holds what the DNS says of a domain against what it should say.
 *
 * Invariant: “nobody could say” is never told as “it is not there”: whoever adds what is there already makes it wrong.
 */
import { Refused } from '../../errors.ts';
import { clients, setUpNames } from './clients.ts';
import { dkim } from './dkim.ts';
import { dmarc } from './dmarc.ts';
import { host, reverse } from './host.ts';
import { mx } from './mx.ts';
import { spf } from './spf.ts';
import { dane, mtaSts, tlsReports } from './transport.ts';
import { type Finding, GROUPS, unknown, type Zone, type ZoneCheck } from './zone.ts';

const CHECKS: readonly ZoneCheck[] = [
  mx,
  host,
  reverse,
  spf,
  dkim,
  dmarc,
  mtaSts,
  tlsReports,
  dane,
  clients,
  setUpNames,
];

/** Everything that was looked at, what must be right first. */
export async function checkZone(zone: Zone): Promise<Finding[]> {
  const found = await Promise.all(CHECKS.map((check) => run(check, zone)));
  return found.flat().sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
}

/** What a monitor should wake somebody for. */
export function isTrouble({ group, state }: Finding): boolean {
  return state !== 'good' && group !== 'nice';
}

async function run(check: ZoneCheck, zone: Zone): Promise<Finding[]> {
  try {
    return await check.run(zone);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'dns.unavailable') throw error;
    return [unknown(check.group, check.about, error.message)];
  }
}
