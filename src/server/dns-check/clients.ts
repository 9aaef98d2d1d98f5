/** Where mail programs find their servers (RFC 6186), and ask for their settings. */
import type { DnsRecord } from '../../autoconfig/dns.ts';
import { addressesOf, expected, type Finding, good, lineOf, wrong, type Zone, type ZoneCheck } from './zone.ts';

export const clients: ZoneCheck = {
  about: 'SRV',
  group: 'nice',
  async run(zone) {
    const services = expected(zone).filter(({ type }) => type === 'SRV');
    const missing: DnsRecord[] = [];
    const found: Finding[] = [];
    for (const record of services) {
      const { records } = await zone.resolver.query(`${record.name}.${zone.facts.domain}`, 'SRV');
      const [, , port = '', target = ''] = record.value.split(' ');
      const isRight = records.some((one) => String(one.port) === port && `${one.target}.` === target);
      // What is not there need not be told: whoever asks finds nothing either way.
      if (isRight || (records.length === 0 && target === '.')) continue;
      if (records.length === 0) missing.push(record);
      else found.push(elsewhere(zone, record, records));
    }
    if (missing.length > 0) {
      const why = 'Mail programs that ask for them can not set themselves up.';
      const names = missing.map(({ name }) => name).join(', ');
      const lines = missing.map((record) => lineOf(zone, record));
      found.push(wrong('nice', 'SRV', `These records are missing: ${names}.`, why, lines));
    }
    return found.length > 0 ? found : [good('nice', 'SRV', 'Mail programs find their servers.')];
  },
};

function elsewhere(zone: Zone, record: DnsRecord, there: readonly { port: number; target: string }[]): Finding {
  const text = `${record.name} leads to ${there.map(({ target, port }) => (target === '' ? 'nothing' : `${target}:${port}`)).join(', ')}.`;
  return wrong('should', 'SRV', text, 'Mail programs set themselves up for something else than this server.', [
    lineOf(zone, record),
  ]);
}

export const setUpNames: ZoneCheck = {
  about: 'autoconfig',
  group: 'nice',
  async run(zone) {
    const { domain, services } = zone.facts;
    const aliases = expected(zone).filter(({ name, type }) => type === 'CNAME' && /^auto/.test(name));
    if (aliases.length === 0) return [];
    const here = await addressesOf(zone, services.host);
    const found: Finding[] = [];
    for (const record of aliases) {
      const name = `${record.name}.${domain}`;
      const there = await addressesOf(zone, name);
      if (there.length > 0 && there.every((address) => here.includes(address))) continue;
      const text = there.length === 0 ? `${name} has no address.` : `${name} leads elsewhere (${there.join(', ')}).`;
      const group = there.length === 0 ? 'nice' : 'should';
      found.push(
        wrong(group, 'autoconfig', text, 'Mail programs ask there for their settings.', [lineOf(zone, record)]),
      );
    }
    return found.length > 0 ? found : [good('nice', 'autoconfig', 'Mail programs reach the settings of the domain.')];
  },
};
