/**
 * An Internet of the test's own: names in a DNS server of its own, hosts on loopback addresses, all listening on one port. Offices in it are real
 * server processes; other hosts do what the test says.
 */
import type { TestContext } from 'node:test';
import { type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from '../outbound/scripted-peer.ts';
import { type ScriptedDns, scriptedDns } from './dns-server.ts';
import { type OfficeRequest, type TrialOffice, trialOffice } from './office.ts';
import { freePort, ownAddress } from './ports.ts';

export interface HostedOffice extends Omit<OfficeRequest, 'name' | 'smtp' | 'https'> {
  /** It listens where everybody knocks, too: at ports 25 and 443 of its host, as only root may. */
  readonly usualPorts?: true;
  /** More lines for the section [outbound]. */
  readonly outbound?: string;
}

export class Internet {
  readonly dns: ScriptedDns;
  /** Where every host takes mail. */
  readonly port: number;
  readonly #t: TestContext;

  private constructor(t: TestContext, dns: ScriptedDns, port: number) {
    this.#t = t;
    this.dns = dns;
    this.port = port;
  }

  static async open(t: TestContext): Promise<Internet> {
    const port = await freePort();
    return new Internet(t, await scriptedDns(t), port);
  }

  /** A domain whose mail a real server takes: `people` at that domain, if they are not named whole. */
  async office(
    domain: string,
    { outbound = '', config = '', people = ['anna'], usualPorts, ...more }: HostedOffice = {},
  ) {
    const host = this.host(domain);
    return trialOffice(this.#t, {
      ...more,
      people: people.map((name) => (name.includes('@') ? name : `${name}@${domain}`)),
      name: `mx.${domain}`,
      smtp: [`${host}:${this.port}`, ...(usualPorts === true ? [`${host}:25`] : [])],
      ...(usualPorts === true && { https: [`${host}:443`] }),
      config: `${this.config}\n${outbound}\n${config}`,
    });
  }

  /** A domain whose host behaves as the script says. */
  async peer(domain: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> {
    return scriptedPeer(this.#t, options, { host: this.host(domain), port: this.port });
  }

  /** Lines of a configuration, ending within [outbound]: names are asked here, and hosts are reached here. */
  get config(): string {
    return `[dns]\nservers = ["127.0.0.1:${this.dns.server.port}"]\n[outbound]\nport = ${this.port}`;
  }

  /** Names a host for a domain's mail, at a loopback address that nobody else has. */
  host(domain: string): string {
    const address = ownAddress();
    this.dns.say('MX', domain, { preference: 10, exchange: `mx.${domain}` });
    this.dns.say('A', `mx.${domain}`, address);
    this.dns.say('AAAA', `mx.${domain}`);
    return address;
  }
}

/** Resolves when the office has noted so many attempts that came to this; what its log says of them. */
export async function attempts(
  office: TrialOffice,
  outcome: 'sent' | 'deferred' | 'failed',
  count = 1,
): Promise<string[]> {
  const lines = () =>
    office.log.split('\n').filter((line) => line.includes('"mail that leaves"') && line.includes(`"${outcome}":`));
  await office.until(() => lines().length >= count);
  return lines();
}
