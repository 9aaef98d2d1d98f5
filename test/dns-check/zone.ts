/** A domain of which all is well, in a DNS of the test's own; each test spoils one thing. */
import { createHash, X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import { stsPolicyId } from '../../src/autoconfig/mta-sts.ts';
import { reverseName } from '../../src/checks/authentication/iprev.ts';
import { defaults } from '../../src/config/schema.ts';
import { Resolver } from '../../src/dns/resolver.ts';
import { checkZone } from '../../src/server/dns-check/check-zone.ts';
import type { Finding, Zone } from '../../src/server/dns-check/zone.ts';
import { type DkimKey, recordFault, recordName, recordText } from '../../src/signing/key.ts';
import type { SeenKey } from '../../src/signing/keyring.ts';
import { access, services } from '../autoconfig/facts.ts';
import { Authority } from '../helpers/authority.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';

export const FOUR = '192.0.2.25';
export const SIX = '2001:db8::25';
export const HOST = 'mail.office.test';
export const NOW = 1_790_000_000;

export const KEY: DkimKey = {
  domain: 'office.test',
  selector: 'rsa-1',
  algorithm: 'rsa',
  state: 'signing',
  created: NOW - 86_400,
  since: NOW - 86_400,
  publicKey: 'A'.repeat(392),
};

export class CheckedZone {
  readonly dns: ScriptedDns;
  zone: Zone;
  keys: readonly DkimKey[] = [KEY];

  constructor(dns: ScriptedDns, zone: Zone) {
    this.dns = dns;
    this.zone = zone;
  }

  static async open(t: TestContext): Promise<CheckedZone> {
    const dns = await scriptedDns(t);
    const resolver = new Resolver({ servers: [dns.server], validating: true, timeout: 20_000 });
    const { mtaSts } = defaults();
    const zone: Zone = {
      facts: {
        domain: 'office.test',
        services,
        access: access(),
        takesMail: true,
        hasPostmaster: true,
        keys: [],
        policyId: stsPolicyId(mtaSts, services),
      },
      name: HOST,
      sendsFrom: [],
      relay: null,
      keys: [],
      policyMode: mtaSts.mode,
      policyHosts: [HOST],
      certificates: () => [],
      newKeys: false,
      isRead: async (address) => address === 'postmaster@office.test',
      resolver: { query: (name, type) => resolver.query(name, type, { fresh: true }) },
      now: NOW,
    };
    const checked = new CheckedZone(dns, zone);
    await checked.certify(HOST, 'mta-sts.office.test');
    checked.#publish();
    return checked;
  }

  /** Shows a certificate for these names, given out by an authority, whoever asks. */
  async certify(...names: readonly string[]): Promise<void> {
    const authority = await Authority.make();
    const { cert } = await authority.issue(names);
    const chain = [cert, authority.own].map((text) => new X509Certificate(text));
    this.zone = { ...this.zone, certificates: () => chain };
  }

  /** What a TLSA record of the certificate says. */
  tlsa(): object {
    const [own] = this.zone.certificates(HOST);
    const spki = own!.publicKey.export({ type: 'spki', format: 'der' });
    return { usage: 3, selector: 1, matchingType: 1, certificate: createHash('sha256').update(spki).digest() };
  }

  /** Everything that is not good: `must MX`. */
  async faults(): Promise<string[]> {
    return (await this.findings())
      .filter(({ state }) => state !== 'good')
      .map(({ group, about }) => `${group} ${about}`);
  }

  async findings(): Promise<Finding[]> {
    const seen = this.keys.map((key): SeenKey => {
      const said = this.dns.zone.get(`TXT ${recordName(key)}`);
      const texts =
        typeof said === 'object' ? said.map((answer) => ('data' in answer ? [answer.data].flat().join('') : '')) : [];
      const fault = recordFault(key, texts);
      return { key, shown: fault === null, fault: fault ?? '' };
    });
    return checkZone({ ...this.zone, keys: seen });
  }

  /** Says something else of a name than what is right; nothing at all: it is gone. */
  spoil(type: Parameters<ScriptedDns['say']>[0], name: string, ...data: readonly unknown[]): void {
    this.dns.say(type, name, ...data.map((one) => (typeof one === 'string' && type === 'TXT' ? inParts(one) : one)));
  }

  #publish(): void {
    const { dns } = this;
    const text = (name: string, value: string) => dns.say('TXT', name, inParts(value));
    dns.say('MX', 'office.test', { preference: 10, exchange: HOST });
    dns.say('A', HOST, FOUR);
    dns.say('AAAA', HOST, SIX);
    for (const address of [FOUR, SIX]) dns.say('PTR', reverseName(address), HOST);
    text('office.test', 'v=spf1 mx -all');
    text(recordName(KEY), recordText(KEY));
    text('_dmarc.office.test', 'v=DMARC1; p=none; rua=mailto:postmaster@office.test');
    text('_mta-sts.office.test', `v=STSv1; id=${this.zone.facts.policyId}`);
    text('_smtp._tls.office.test', 'v=TLSRPTv1; rua=mailto:postmaster@office.test');
    for (const name of ['mta-sts', 'autoconfig', 'autodiscover']) dns.say('CNAME', `${name}.office.test`, HOST);
    for (const [name, port] of [
      ['_imaps', 993],
      ['_imap', 143],
      ['_pop3s', 995],
      ['_pop3', 110],
      ['_submissions', 465],
      ['_submission', 587],
      ['_autodiscover', 443],
    ] as const) {
      dns.say('SRV', `${name}._tcp.office.test`, { priority: 0, weight: 1, port, target: HOST });
    }
  }
}

/** RFC 1035 3.3.14: strings of 255 bytes. */
function inParts(text: string): string[] {
  return text.match(/.{1,255}/g) ?? [''];
}
