/** That mail for the domain comes encrypted: MTA-STS (RFC 8461), reports about it (RFC 8460), DANE (RFC 7672). */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { covers, dnsNames } from '../../net/certificate-names.ts';
import { hostNamed } from '../../outbound/hosts.ts';
import { daneFault } from '../../outbound/tls/dane.ts';
import { isListed } from '../../outbound/tls/protection.ts';
import { tlsaOf } from '../../outbound/tls/tlsa.ts';
import { ownAmong } from './mx.ts';
import { addressesOf, type Finding, good, textsAt, unknown, wanted, wrong, type Zone, type ZoneCheck } from './zone.ts';

const SMTP_PORT = 25;
const POLICY_HOST = 'mta-sts';

export const mtaSts: ZoneCheck = {
  about: 'MTA-STS',
  group: 'nice',
  async run(zone) {
    const { domain, policyId } = zone.facts;
    const records = await textsAt(zone, `_mta-sts.${domain}`, /^v=STSv1\s*;/);
    const lines = wanted(zone, '_mta-sts', 'TXT');
    if (policyId === null) {
      if (records.length === 0) return [];
      const why =
        'Who read an earlier policy keeps to it until it has run out. Serve one (mtaSts.mode), or remove the record.';
      return [wrong('should', 'MTA-STS', `${domain} names a policy for TLS, and this server serves none.`, why)];
    }
    const [record] = records;
    if (record === undefined) {
      const why = 'Without it whoever stands between two servers can have mail sent in the clear.';
      return [
        wrong('nice', 'MTA-STS', `${domain} does not say that its mail comes encrypted.`, why, [
          ...lines,
          ...wanted(zone, 'mta-sts', 'CNAME'),
        ]),
      ];
    }
    if (records.length > 1) {
      return [
        wrong(
          'should',
          'MTA-STS',
          `_mta-sts.${domain} has several records.`,
          'Several count as none (RFC 8461 3.1).',
          lines,
        ),
      ];
    }
    const id = /;\s*id\s*=\s*([a-z0-9]+)/i.exec(record)?.[1];
    const known =
      id === policyId
        ? good('nice', 'MTA-STS', `${domain} names the policy that is served (mode ${zone.policyMode}).`)
        : wrong(
            'should',
            'MTA-STS',
            `_mta-sts.${domain} has another id than the policy.`,
            'Other servers keep to the old policy, and do not see the new one.',
            lines,
          );
    return [known, ...(await unnamedHosts(zone)), ...(await policyHost(zone)), ...(await certificates(zone))];
  },
};

/** RFC 8461 4.1: hosts that the policy does not name get nothing from who knows it. */
async function unnamedHosts({ facts: { domain }, resolver, policyHosts, policyMode }: Zone): Promise<Finding[]> {
  if (policyMode !== 'enforce' && policyMode !== 'testing') return [];
  const { records } = await resolver.query(domain, 'MX');
  const hosts = records.map(({ exchange }) => exchange).filter((name) => name !== '' && isIP(name) === 0);
  const unnamed = hosts.filter((name) => !isListed(name, { mode: policyMode, mx: policyHosts }));
  if (unnamed.length === 0) return [];
  const text = `The policy does not name ${unnamed.join(', ')}, where MX records of ${domain} lead.`;
  if (policyMode === 'testing') {
    const why = 'With mode "enforce" other servers would deliver nothing there. Name all hosts in mtaSts.mx.';
    return [wrong('nice', 'MTA-STS', text, why)];
  }
  const why =
    'Servers that know MTA-STS deliver nothing there. Name all hosts in mtaSts.mx, and put the new id into the record.';
  return [wrong(unnamed.length === hosts.length ? 'must' : 'should', 'MTA-STS', text, why)];
}

async function policyHost(zone: Zone): Promise<Finding[]> {
  const { domain, services } = zone.facts;
  const name = `${POLICY_HOST}.${domain}`;
  const [there, here] = [await addressesOf(zone, name), await addressesOf(zone, services.host)];
  if (there.length > 0 && there.every((address) => here.includes(address))) return [];
  const text = there.length === 0 ? `${name} has no address.` : `${name} leads elsewhere (${there.join(', ')}).`;
  return [wrong('should', 'MTA-STS', text, 'Other servers read the policy there.', wanted(zone, POLICY_HOST, 'CNAME'))];
}

async function certificates(zone: Zone): Promise<Finding[]> {
  const { domain, services } = zone.facts;
  const { records } = await zone.resolver.query(domain, 'MX');
  const hosts = records.map(({ exchange }) => exchange);
  const host = (await ownAmong(zone, hosts)) ?? services.host;
  const has = (name: string) => {
    const [own, issuer] = zone.certificates(name);
    return own !== undefined && issuer !== undefined && covers(dnsNames(own.subjectAltName), name);
  };
  const found: Finding[] = [];
  const name = `${POLICY_HOST}.${domain}`;
  if (!has(name)) {
    const why = 'Other servers read the policy only from a server that has one. Add the name to acme.names.';
    found.push(wrong('should', 'MTA-STS', `There is no certificate for ${name}.`, why));
  }
  if (!has(host) && zone.policyMode === 'enforce') {
    const why = 'With mode "enforce" mail is not delivered to a server without one.';
    found.push(wrong('must', 'MTA-STS', `There is no certificate for ${host} by an authority.`, why));
  }
  return found;
}

export const tlsReports: ZoneCheck = {
  about: 'TLSRPT',
  group: 'nice',
  async run(zone) {
    const { domain, hasPostmaster } = zone.facts;
    const records = await textsAt(zone, `_smtp._tls.${domain}`, /^v=TLSRPTv1\s*;/);
    const lines = wanted(zone, '_smtp._tls', 'TXT');
    if (records.length === 1) return [good('nice', 'TLSRPT', `${domain} says where trouble with TLS is reported.`)];
    if (records.length > 1)
      return [wrong('nice', 'TLSRPT', `_smtp._tls.${domain} has several records.`, 'Several count as none.', lines)];
    if (!hasPostmaster) return [];
    return [
      wrong(
        'nice',
        'TLSRPT',
        `${domain} does not say where trouble with TLS is reported.`,
        'You hear of it from nobody else.',
        lines,
      ),
    ];
  },
};

/** Only where the configured servers check signatures: without that nobody here knows what others believe. */
export const dane: ZoneCheck = {
  about: 'DANE',
  group: 'nice',
  async run(zone) {
    const { resolver } = zone;
    const { domain, services, takesMail } = zone.facts;
    if (!takesMail) return [];
    const mx = await resolver.query(domain, 'MX');
    const host = await hostNamed(services.host, resolver);
    const tlsa = await tlsaOf(host, SMTP_PORT, resolver);
    const chain = zone.certificates(services.host);
    const [own] = chain;
    const name = `_${SMTP_PORT}._tcp.${services.host}`;
    const hash =
      own &&
      createHash('sha256')
        .update(own.publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex');
    const lines = hash === undefined ? [] : [`${name}. IN TLSA 3 1 1 ${hash}`];
    if (tlsa.kind === 'unknown') return [unknown('nice', 'DANE', tlsa.why)];
    if (tlsa.kind === 'unusable') {
      const why = 'Other servers then encrypt, but check nothing. 3 1 1 is what all of them know.';
      return [wrong('should', 'DANE', `The TLSA records of ${name} are of no kind that is for mail.`, why, lines)];
    }
    if (tlsa.kind === 'usable') {
      const fault = daneFault(chain, tlsa.records, [services.host, domain], new Date(zone.now * 1_000));
      if (fault === undefined) return [good('nice', 'DANE', `${name} names the certificate that is shown.`)];
      const why = 'Servers that know DANE deliver nothing until the record and the certificate agree.';
      return [wrong('must', 'DANE', `${name} does not fit: ${fault.replace(/^it /, 'this server ')}.`, why, lines)];
    }
    if (!host.authentic || !mx.authentic) return [];
    // A new key with each certificate would need a new record each time, before it is used.
    if (zone.newKeys) return [];
    const why = 'The domain is signed (DNSSEC), so others could know for certain which certificate is right.';
    return [wrong('nice', 'DANE', `${name} has no TLSA record.`, why, lines)];
  },
};
