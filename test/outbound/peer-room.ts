/** Hosts with a mail server each, at addresses of loopback that share one port, and the DNS that names them. */
import { createHash, X509Certificate } from 'node:crypto';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { Resolver } from '../../src/dns/resolver.ts';
import { NoSuchDestination } from '../../src/outbound/hosts.ts';
import { Unreachable } from '../../src/outbound/peer.ts';
import { type ReachOptions, reach, type TlsWish } from '../../src/outbound/reach.ts';
import { type Route, Routes } from '../../src/outbound/route.ts';
import { Sts } from '../../src/outbound/tls/sts.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import type { StsPolicy } from '../../src/store/sts-policies.ts';
import { type ScriptedDns, scriptedDns } from '../helpers/dns-server.ts';
import { temporaryStore } from '../store/helpers.ts';
import { PATIENT, type ScriptedPeer, type ScriptedPeerOptions, scriptedPeer } from './scripted-peer.ts';

export class PeerRoom {
  readonly dns: ScriptedDns;
  readonly store: MailStore;
  readonly options: ReachOptions;
  readonly #t: TestContext;
  #hosts = 10;

  private constructor(t: TestContext, dns: ScriptedDns, store: MailStore, options: ReachOptions) {
    this.#t = t;
    this.dns = dns;
    this.store = store;
    this.options = options;
  }

  /** All that its DNS says is signed. */
  static async open(t: TestContext): Promise<PeerRoom> {
    const store = await temporaryStore(t);
    const dns = await scriptedDns(t);
    dns.authentic = true;
    const resolver = new Resolver({ servers: [dns.server], validating: true, timeout: 20_000 });
    const log = pino({ level: 'silent' });
    const faults = (error: unknown) => {
      throw error;
    };
    return new PeerRoom(t, dns, store, {
      routes: new Routes([]),
      resolver,
      sts: new Sts({ resolver, kept: store.stsPolicies, log, onInternalError: faults }),
      helo: 'mail.office.test',
      ownNames: new Set(['mail.office.test']),
      port: (await scriptedPeer(t)).port, // free, on every loopback address
      random: () => 0.5,
      limits: PATIENT,
    });
  }

  /** A host with a mail server that behaves as the script says. */
  async host(name: string, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> {
    const address = this.address(name);
    return scriptedPeer(this.#t, options, { host: address, port: this.options.port });
  }

  /** A name with an address where nobody listens yet. */
  address(name: string): string {
    const address = `127.0.0.${++this.#hosts}`;
    this.dns.say('A', name, address);
    this.dns.say('AAAA', name);
    return address;
  }

  /** A domain whose mail these hosts take, the first before the second. */
  domain(name: string, ...hosts: readonly string[]): void {
    const data = hosts.map((exchange, at) => ({ preference: 10 * (at + 1), exchange }));
    this.dns.say('MX', name, ...data);
  }

  /** What a domain has said of TLS before, and still holds. */
  async policy(domain: string, mode: StsPolicy['mode'], ...mx: readonly string[]): Promise<void> {
    const fetched = nowSeconds();
    await this.store.stsPolicies.keep(domain, { id: 'before', mode, mx, fetched, expires: fetched + 86_400 });
  }

  /** What the DNS says of a host's certificate. */
  tlsa(host: string, ...records: readonly TlsaData[]): void {
    this.dns.say('TLSA', `_${this.options.port}._tcp.${host}`, ...records);
  }

  /** Another name for a host. */
  alsoCalled(name: string, host: string): void {
    for (const type of ['A', 'AAAA'] as const) {
      const records = this.dns.zone.get(`${type} ${host}`) as readonly { readonly data: unknown }[];
      this.dns.say(type, name, ...records.map(({ data }) => data));
    }
  }

  /** As {@link reach}, by a route. */
  reachBy(route: Route, wish: TlsWish): Promise<string> {
    const routes = new Routes([route]);
    return this.reach(routes.names[0]!, wish, { ...this.options, routes });
  }

  /** How a destination is reached, and where; or the reply and status that tell why not. */
  async reach(destination: string, wish: TlsWish = 'usual', options = this.options): Promise<string> {
    try {
      const { peer, name, tls } = await reach(destination, wish, options);
      peer.quit();
      return `${tls} at ${name.split(' ')[0]}`;
    } catch (error) {
      if (error instanceof Unreachable) return `${error.said.reply} ${error.said.status}`;
      if (error instanceof NoSuchDestination) return `${error.reply} ${error.status}`;
      throw error;
    }
  }
}

export interface TlsaData {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly certificate: Buffer;
}

/** The record that names a certificate: usage, selector and matching type, as in `3 1 1`. */
export function tlsaFor(numbers: string, pem: string): TlsaData {
  const [usage = 0, selector = 0, matchingType = 0] = numbers.split(' ').map(Number);
  const certificate = new X509Certificate(pem);
  const content = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = [undefined, 'sha256', 'sha512'][matchingType];
  const data = digest === undefined ? content : createHash(digest).update(content).digest();
  return { usage, selector, matchingType, certificate: data };
}
