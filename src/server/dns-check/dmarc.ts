/** What others do with mail that only pretends to come from the domain (RFC 7489). */
import { domainOf } from '../../message/addresses.ts';
import { type Finding, good, textsAt, wanted, wrong, type Zone, type ZoneCheck } from './zone.ts';

/** RFC 7489 6.4 */
const BEGINS = /^v\s*=\s*DMARC1\s*(?:;|$)/;

export const dmarc: ZoneCheck = {
  about: 'DMARC',
  group: 'should',
  async run(zone) {
    const { domain } = zone.facts;
    const lines = wanted(zone, '_dmarc', 'TXT');
    const { at, records } = await policyOf(zone);
    const [record] = records;
    if (record === undefined) {
      const why =
        'Nobody is told what to do with forged mail, and large providers refuse mail of many recipients without it.';
      return [wrong('should', 'DMARC', `${domain} has no DMARC record.`, why, lines)];
    }
    // RFC 7489 6.6.3
    if (records.length > 1) {
      return [wrong('should', 'DMARC', `${at} has ${records.length} DMARC records.`, 'Several count as none.', lines)];
    }
    const tags = tagsOf(record);
    const policy = tags.get('p')?.toLowerCase();
    if (policy === undefined || !['none', 'quarantine', 'reject'].includes(policy)) {
      const text = `The DMARC record of ${at} says ${policy === undefined ? 'no p' : `p=${policy}`}.`;
      return [
        wrong(
          'should',
          'DMARC',
          text,
          'It says none, quarantine or reject; with anything else it counts as none.',
          lines,
        ),
      ];
    }
    // RFC 7489 6.3: for those below it a domain may say something else.
    const below = at === domain ? undefined : tags.get('sp')?.toLowerCase();
    const says = below === undefined ? `p=${policy}` : `p=${below} for domains below it (sp)`;
    return [good('should', 'DMARC', `${at} says ${says}.`), ...(await reportFindings(zone, at, tags.get('rua')))];
  },
};

/** Those of the domain or, where it has none, of the nearest one above it that has (RFC 7489 6.6.3). */
async function policyOf(zone: Zone): Promise<{ at: string; records: string[] }> {
  const { domain } = zone.facts;
  for (let name = domain; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
    const records = await textsAt(zone, `_dmarc.${name}`, BEGINS);
    if (records.length > 0) return { at: name, records };
  }
  return { at: domain, records: [] };
}

/** RFC 7489 6.2, 7.1: where reports go must be somebody, who wants them. */
async function reportFindings(zone: Zone, at: string, rua: string | undefined): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const uri of rua?.split(',') ?? []) {
    const address = /^\s*mailto:([^!\s]+)/i.exec(uri)?.[1];
    if (address === undefined) continue;
    const to = domainOf(address).toLowerCase();
    // RFC 7489 7.1: within one organisation nobody is asked.
    if (to === at || to.endsWith(`.${at}`) || at.endsWith(`.${to}`)) {
      // Who reads mail at another name of the organisation, nobody here knows.
      if (to !== zone.facts.domain || (await zone.isRead(decoded(address)))) continue;
      const why = 'Reports about forged mail come back to those who send them. Make it an alias: rainmail alias add';
      found.push(wrong('should', 'DMARC', `Nobody reads ${address}, where reports go.`, why));
      continue;
    }
    const permission = `${at}._report._dmarc.${to}`;
    if ((await textsAt(zone, permission, BEGINS)).length > 0) continue;
    const why = 'Nobody sends reports to another domain that has not said that it wants them.';
    const line = `${permission}. IN TXT "v=DMARC1"`;
    found.push(wrong('nice', 'DMARC', `${to} does not say that it takes the reports of ${at}.`, why, [line]));
  }
  return found;
}

/** In a mailto URI an address may be percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that means itself
  }
}

function tagsOf(record: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const part of record.split(';')) {
    const [, name, value] = /^\s*([a-z]+)\s*=\s*(.*?)\s*$/i.exec(part) ?? [];
    if (name !== undefined && !tags.has(name.toLowerCase())) tags.set(name.toLowerCase(), value!);
  }
  return tags;
}
