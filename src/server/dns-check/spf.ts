/** Who may send in the name of the domain (RFC 7208). */
import { spf as evaluate } from 'mailauth/lib/spf/index.js';
import { Lookups } from '../../checks/authentication/lookups.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { sendingAddresses } from './host.ts';
import { type Finding, good, textsAt, unknown, wanted, wrong, type Zone, type ZoneCheck } from './zone.ts';

/** RFC 7208 4.6.4: questions that a record may cost whoever checks it. */
const MOST_LOOKUPS = 10;
/** From here on one more include may be too much. */
const MANY_LOOKUPS = 8;
const WITHIN: Milliseconds = 30_000;

export const spf: ZoneCheck = {
  about: 'SPF',
  group: 'should',
  async run(zone) {
    const { domain } = zone.facts;
    const records = await textsAt(zone, domain, /^v=spf1(?:\s|$)/i);
    const lines = wanted(zone, '@', 'TXT');
    const [record] = records;
    if (record === undefined) {
      const why = 'Anybody can send in its name, so that large providers distrust its real mail.';
      return [wrong('should', 'SPF', `${domain} has no SPF record.`, why, lines)];
    }
    // RFC 7208 4.5
    if (records.length > 1) {
      const why = 'Several count as a mistake, and so as none. Put all that may send into one.';
      return [wrong('should', 'SPF', `${domain} has ${records.length} SPF records.`, why, [])];
    }
    if (/\s\+?all(?:\s|$)/i.test(record)) {
      const why = 'It allows everybody to send in its name. End it with ~all or -all.';
      return [wrong('should', 'SPF', `The SPF record of ${domain} says +all.`, why, lines)];
    }
    const found: Finding[] = [];
    for (const address of await sendingAddresses(zone)) found.push(await covers(zone, address, record));
    const through = zone.relay === null ? '' : `; ${zone.relay}, through which its mail leaves, must be allowed there`;
    return found.length > 0 ? found : [good('should', 'SPF', `${domain} says: ${record}${through}.`)];
  },
};

async function covers(zone: Zone, ip: string, record: string): Promise<Finding> {
  const { domain } = zone.facts;
  const lookups = new Lookups(zone.resolver, WITHIN);
  const asked = { sender: `postmaster@${domain}`, helo: zone.name, mta: zone.name, ip };
  const { status, lookups: used } = await evaluate({ ...asked, resolver: lookups.resolve, strict: true }).finally(() =>
    lookups.end(),
  );
  const count = used?.count ?? 0;
  switch (status.result) {
    case 'pass':
      if (count < MANY_LOOKUPS) return good('should', 'SPF', `${domain} allows ${ip} to send.`);
      return wrong(
        'nice',
        'SPF',
        `The SPF record of ${domain} costs ${count} of the ${MOST_LOOKUPS} questions that are allowed.`,
        'With one too many the whole record counts as a mistake. Leave out what does not send any more, or name addresses.',
      );
    case 'permerror': {
      const why = 'A record with a mistake counts as none, or its mail is refused.';
      return wrong(
        'should',
        'SPF',
        `The SPF record of ${domain} has a mistake: ${reasonOf(status.comment, count)}`,
        why,
        [`; now: ${record}`],
      );
    }
    case 'temperror':
      return unknown('should', 'SPF', 'Not all names in the SPF record could be asked for.');
    default: {
      const what = ip.includes(':') ? `ip6:${ip}` : `ip4:${ip}`;
      const why = 'Mail from this server fails the check, and lands in the spam of others or is refused.';
      const better = record.replace(/^(v=spf1)/i, `$1 ${what}`);
      return wrong('should', 'SPF', `${domain} does not allow ${ip} to send (${status.result}).`, why, [
        `${domain}. IN TXT "${better}"`,
      ]);
    }
  }
}

function reasonOf(comment: string | undefined, count: number): string {
  if (count > MOST_LOOKUPS) return `it costs more than ${MOST_LOOKUPS} questions.`;
  return `${comment ?? 'it can not be read'}.`;
}
