/** What would be done with mail for a domain, as an administrator wants to know it: the way, the hosts, what protects it; and what a try comes to. */
import { Refused } from '../errors.ts';
import { domainOf } from '../message/addresses.ts';
import type { EpochSeconds, Milliseconds } from '../store/ids.ts';
import { type Candidate, candidatesFor } from './candidates.ts';
import { NoSuchDestination } from './hosts.ts';
import { Unreachable } from './peer.ts';
import { canLeaveFor, connectTo, type ReachOptions } from './reach.ts';
import { kindOf, type Protection, type TlsKind } from './tls/protection.ts';
import type { Tlsa } from './tls/tlsa.ts';

export interface WayExplained {
  readonly domain: string;
  /** The server that takes its mail by configuration; null: those that the DNS names. */
  readonly route: { readonly host: string; readonly port: number } | null;
  /** The policy that holds for it; null: none. */
  readonly sts: {
    readonly mode: 'enforce' | 'testing';
    readonly mx: readonly string[];
    readonly expires: EpochSeconds;
  } | null;
  /** In the order in which they are tried. */
  readonly hosts: readonly HostExplained[];
  /** Why no mail can go there; null: it can. */
  readonly trouble: string | null;
  /** What is wrong may pass: mail waits, and is tried again. Else it goes back to its sender. */
  readonly temporary: boolean;
}

export interface HostExplained {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The DNS says signed that it takes this mail; null: nobody asked. */
  readonly signed: boolean | null;
  /** What the DNS says of its certificate; null: nobody asked. */
  readonly tlsa: Tlsa['kind'] | null;
  readonly protection: Protection['kind'];
  /** Why it is not used; null: it is. */
  readonly trouble: string | null;
  /** What a connection to each of its addresses came to; null: none was tried. */
  readonly tries: readonly Tried[] | null;
}

export interface Tried {
  readonly address: string;
  /** How it was protected; null: it was not reached. */
  readonly tls: TlsKind | null;
  /** Version and cipher; null without TLS. */
  readonly cipher: string | null;
  readonly trouble: string | null;
}

/** A person waits for it. */
const PATIENCE = { connect: 10_000, greeting: 15_000, silence: 15_000 } as const satisfies Record<string, Milliseconds>;

/**
 * @param address  a domain, or an address in it
 * @param connect  connects to every address of every host, up to where a message would be given; none is
 * @throws Refused `directory.invalid` for what is no domain
 */
export async function explainWay(address: string, connect: boolean, options: ReachOptions): Promise<WayExplained> {
  const domain = domainOf(address);
  const destination = options.routes.destinationOf(`x@${domain}`);
  const way = destination === undefined ? undefined : options.routes.wayTo(destination);
  if (way === undefined) throw new Refused('directory.invalid', `${address} is no domain that mail can go to.`);
  const route = way.kind === 'route' ? { host: way.route.host, port: way.route.port } : null;
  const hosts: HostExplained[] = [];
  let sts: WayExplained['sts'] = null;
  try {
    for await (const candidate of candidatesFor(way, false, options)) {
      const policy = candidate.facts?.sts;
      if (policy !== undefined && policy.mode !== 'none') {
        const { mode, mx, expires } = policy;
        sts = { mode, mx, expires };
      }
      hosts.push(await explained(candidate, connect, options));
    }
    return { domain, route, sts, hosts, trouble: null, temporary: false };
  } catch (error) {
    if (!(error instanceof NoSuchDestination || (error instanceof Refused && error.code === 'dns.unavailable')))
      throw error;
    const temporary = !(error instanceof NoSuchDestination) || error.reply < 500;
    return { domain, route, sts, hosts, trouble: error.message, temporary };
  }
}

async function explained(candidate: Candidate, connect: boolean, options: ReachOptions): Promise<HostExplained> {
  const { host, facts, protection } = candidate;
  const tries: Tried[] = [];
  if (connect && protection.kind !== 'refused') {
    for (const address of host.addresses.filter((each) => canLeaveFor(each, options))) {
      tries.push(await tried(candidate, protection, address, options));
    }
  }
  return {
    name: host.name,
    addresses: host.addresses,
    signed: facts === undefined ? null : host.authentic,
    tlsa: facts?.tlsa.kind ?? null,
    protection: protection.kind,
    trouble: protection.kind === 'refused' ? protection.said.text : null,
    tries: connect ? tries : null,
  };
}

async function tried(
  candidate: Candidate,
  protection: Protection,
  address: string,
  options: ReachOptions,
): Promise<Tried> {
  try {
    const peer = await connectTo(candidate, protection, address, {
      ...options,
      limits: { ...PATIENCE, ...options.limits },
    });
    const cipher = peer.cipher ?? null;
    const tls = kindOf(protection, peer.secure);
    peer.quit();
    return { address, tls, cipher, trouble: null };
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const { reply, text } = error.said;
    return { address, tls: null, cipher: null, trouble: `${reply} ${text}` };
  }
}
