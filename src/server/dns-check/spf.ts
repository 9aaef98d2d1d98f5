/** Who may send in the name of the domain (RFC 7208). */
import { Lookups } from '../../checks/authentication/lookups.ts';
import { libraries } from '../../libraries.ts';
import type { Milliseconds } from '../../store/ids.ts';
import { sendingAddresses } from './host.ts';
import { type Finding, good, quoted, textsAt, unknown, wanted, wrong, type Zone, type ZoneCheck } from './zone.ts';

/** RFC 7208 4.6.4: questions that a record may cost whoever checks it. */
const MOST_LOOKUPS = 10;
/** From here on one more include may be too much. */
const MANY_LOOKUPS = 8;
const WITHIN: Milliseconds = 30_000;
/** Nobody sends from there (RFC 5737). */
const NOBODYS = '203.0.113.1';

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
    const stranger = await evaluated(zone, NOBODYS);
    if (stranger.result === 'pass') {
      const why = 'Something in it, or in what it includes, stands for every address: anybody can send in its name.';
      return [wrong('should', 'SPF', `The SPF record of ${domain} allows everybody.`, why, [`; now: ${record}`])];
    }
    const found: Finding[] = [];
    for (const address of await sendingAddresses(zone)) found.push(await covers(zone, address, record));
    // Whatever addresses its mail comes from, a record that can't be read allows none.
    if (found.length === 0 && /error$/.test(stranger.result)) return [trouble(zone, record, stranger)];
    const through = zone.relay === null ? '' : `; ${zone.relay}, through which its mail leaves, must be allowed there`;
    return found.length > 0 ? found : [good('should', 'SPF', `${domain} says: ${record}${through}.`)];
  },
};

interface Evaluated {
  readonly result: string;
  readonly comment: string | undefined;
  /** Questions that it cost. */
  readonly count: number;
}

async function evaluated({ facts: { domain }, name, resolver }: Zone, ip: string): Promise<Evaluated> {
  const lookups = new Lookups(resolver, WITHIN);
  const asked = { sender: `postmaster@${domain}`, helo: name, mta: name, ip };
  const { status, lookups: used } = await libraries.spf
    .spf({ ...asked, resolver: lookups.resolve, strict: true })
    .finally(() => lookups.end());
  return { result: status.result, comment: status.comment, count: used?.count ?? 0 };
}

async function covers(zone: Zone, ip: string, record: string): Promise<Finding> {
  const { domain } = zone.facts;
  const found = await evaluated(zone, ip);
  const { result, count } = found;
  switch (result) {
    case 'pass':
      if (count < MANY_LOOKUPS) return good('should', 'SPF', `${domain} allows ${ip} to send.`);
      return wrong(
        'nice',
        'SPF',
        `The SPF record of ${domain} costs ${count} of the ${MOST_LOOKUPS} questions that are allowed.`,
        'With one too many the whole record counts as a mistake. Leave out what does not send any more, or name addresses.',
      );
    case 'permerror':
    case 'temperror':
      return trouble(zone, record, found);
    default: {
      const what = ip.includes(':') ? `ip6:${ip}` : `ip4:${ip}`;
      const why = 'Mail from this server fails the check, and lands in the spam of others or is refused.';
      const better = record.replace(/^(v=spf1)/i, `$1 ${what}`);
      return wrong('should', 'SPF', `${domain} does not allow ${ip} to send (${result}).`, why, [
        `${domain}. IN TXT ${quoted(better)}`,
      ]);
    }
  }
}

/** It could not be evaluated. */
function trouble({ facts: { domain } }: Zone, record: string, { result, comment, count }: Evaluated): Finding {
  if (result === 'temperror') return unknown('should', 'SPF', 'Not all names in the SPF record could be asked for.');
  const text = `The SPF record of ${domain} has a mistake: ${reasonOf(comment, count)}`;
  return wrong('should', 'SPF', text, 'A record with a mistake counts as none, or its mail is refused.', [
    `; now: ${record}`,
  ]);
}

function reasonOf(comment: string | undefined, count: number): string {
  if (count > MOST_LOOKUPS) return `it costs more than ${MOST_LOOKUPS} questions.`;
  return `${comment ?? 'it can not be read'}.`;
}
