/** Where mail for the domain goes (RFC 5321 5.1). */
import { isIP } from 'node:net';
import { addressesOf, type Finding, good, wanted, wrong, type Zone, type ZoneCheck } from './zone.ts';

export const mx: ZoneCheck = {
  about: 'MX',
  group: 'must',
  async run(zone) {
    const { domain, services, takesMail } = zone.facts;
    const { records } = await zone.resolver.query(domain, 'MX');
    const lines = wanted(zone, '@', 'MX');
    const hosts = [...records].sort((a, b) => a.preference - b.preference).map(({ exchange }) => exchange);
    if (!takesMail && !hosts.includes(services.host)) {
      const text = 'Nothing listens at port 25 here, and no MX record names this server: it takes no mail from others.';
      return [good('nice', 'MX', text)];
    }
    if (records.length === 0) {
      return [
        wrong('must', 'MX', `${domain} has no MX record.`, 'Other servers do not know where its mail goes.', lines),
      ];
    }
    // RFC 7505 3
    if (hosts.every((host) => host === '')) {
      return [
        wrong('must', 'MX', `${domain} says that it takes no mail (MX 0 .).`, 'Other servers give it back.', lines),
      ];
    }
    const own = await ownAmong(zone, hosts);
    if (own === undefined) {
      const text = `Mail for ${domain} goes to ${hosts.join(', ')}, and not to ${services.host}.`;
      return [wrong('must', 'MX', text, 'It does not come here.', lines), ...(await faultsOf(zone, hosts))];
    }
    const first = hosts[0] === own;
    const others = hosts.filter((host) => host !== own);
    const name = own === services.host ? own : `${own}, another name of ${services.host}`;
    const more = others.length === 0 ? '' : ` (beside ${others.join(', ')})`;
    const behind = first ? '' : '. The other goes first: it must hand on what it takes';
    return [good('must', 'MX', `Mail comes to ${name}${more}${behind}.`), ...(await faultsOf(zone, hosts))];
  },
};

/** Of the hosts that MX records name the one that is this server: by its name, or by addresses which are all of that. */
export async function ownAmong(zone: Zone, hosts: readonly string[]): Promise<string | undefined> {
  const { host } = zone.facts.services;
  if (hosts.includes(host)) return host;
  const here = await addressesOf(zone, host);
  for (const name of hosts) {
    const there = await addressesOf(zone, name);
    if (there.length > 0 && there.every((address) => here.includes(address))) return name;
  }
  return undefined;
}

async function faultsOf(zone: Zone, hosts: readonly string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const host of hosts.filter((name) => name !== '')) {
    if (isIP(host) !== 0) {
      const why = 'An MX record names a host; most servers deliver nothing to an address.';
      found.push(wrong('must', 'MX', `An MX record says ${host}, which is an address.`, why, wanted(zone, '@', 'MX')));
      continue;
    }
    // RFC 2181 10.3
    const { records } = await zone.resolver.query(host, 'CNAME');
    if (records.length > 0) {
      const why = 'An MX record must name a host that has addresses itself; some servers take no other.';
      const lines = [`${zone.facts.domain}. IN MX 10 ${records[0]}.`];
      found.push(wrong('should', 'MX', `${host} is only another name (CNAME) of ${records[0]}.`, why, lines));
    }
  }
  return found;
}
