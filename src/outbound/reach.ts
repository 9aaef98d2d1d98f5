/** From a destination to a connection that takes its mail: the hosts in their order, each address, TLS as it must be. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Resolver } from '../dns/resolver.ts';
import { type Host, hostNamed, hostsOf, NoSuchDestination } from './hosts.ts';
import { Peer, type PeerLimits, type PeerOptions, Unreachable } from './peer.ts';
import type { Route, Routes, Way } from './route.ts';
import { attemptsFor } from './tls/attempts.ts';
import { kindOf, type Protection, protectionFor, protectionOfRoute, type TlsKind } from './tls/protection.ts';
import type { Sts } from './tls/sts.ts';
import { tlsaOf } from './tls/tlsa.ts';

export interface ReachOptions {
  readonly routes: Routes;
  readonly resolver: Resolver;
  /** What domains say of TLS on the way to them. */
  readonly sts: Pick<Sts, 'of'>;
  /** As this server calls itself. */
  readonly helo: string;
  readonly ownNames: ReadonlySet<string>;
  /** Where MX hosts listen: 25. */
  readonly port: number;
  /** Addresses of this machine that connections leave from, one of a family at most; other families are not used then. Empty: as it chooses. */
  readonly localAddresses?: readonly string[];
  readonly random: () => number;
  /** Aborted: nothing more is tried, and what is open is closed. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<PeerLimits>;
}

/** A peer, what it is called in reports and in the trace, and how the connection is protected. */
export interface Reached {
  readonly peer: Peer;
  readonly name: string;
  readonly tls: TlsKind;
}

/** One host that may be tried. */
interface Candidate {
  readonly host: Host;
  readonly port: number;
  readonly protection: Protection;
  /** TLS from the first byte. */
  readonly implicit?: boolean;
  readonly requireTls: boolean;
  readonly credentials?: PeerOptions['credentials'];
}

/**
 * Connects to the first host that can be reached.
 * @param requireTls  the sender wants TLS that is verified, all the way (RFC 8689)
 * @throws NoSuchDestination when no mail can go there; Unreachable when no host will do; Refused `dns.unavailable`
 */
export async function reach(destination: string, requireTls: boolean, options: ReachOptions): Promise<Reached> {
  const way = options.routes.wayTo(destination);
  if (way === undefined) {
    const text = `The route ${destination} is no longer configured.`;
    throw new Unreachable({ reply: 451, status: '4.4.4', text }, false);
  }
  const failures: Unreachable[] = [];
  for await (const candidate of candidatesFor(way, requireTls, options)) {
    const { host, protection } = candidate;
    if (protection.kind === 'refused') {
      failures.push(new Unreachable(protection.said, true));
      continue;
    }
    for (const address of host.addresses.filter((each) => canLeaveFor(each, options))) {
      if (options.signal?.aborted) break;
      try {
        const peer = await connect(candidate, protection, address, options);
        return { peer, name: `${host.name} [${address}]`, tls: kindOf(protection, peer.secure) };
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        failures.push(requireTls && error.tls ? withoutTls(error) : error);
      }
    }
  }
  // While one of the hosts may do later, nothing has failed for good.
  throw (
    failures.findLast(({ said }) => said.reply < 500) ??
    failures.at(-1) ??
    new Unreachable({ reply: 451, status: '4.4.4', text: `no host of ${destination} has an address` }, false)
  );
}

/** RFC 8689 4.2.1: who wants TLS all the way hears at once that it can't be had. */
function withoutTls({ said: { reply, status, text } }: Unreachable): Unreachable {
  return new Unreachable(reply >= 500 ? { reply, status, text } : { reply: 550, status: '5.7.10', text }, true);
}

/** One after the other, so that nobody is asked of a host that is not tried. */
async function* candidatesFor(
  way: Way,
  requireTls: boolean,
  options: ReachOptions,
): AsyncGenerator<Candidate, void, void> {
  const { resolver, port } = options;
  switch (way.kind) {
    case 'route':
      yield await routeCandidate(way.route, requireTls, resolver);
      break;
    case 'address': {
      const host: Host = { name: way.address, addresses: [way.address], authentic: false };
      const { address: domain } = way;
      const protection = protectionFor({ host, domain, tlsa: { kind: 'none' }, sts: undefined, requireTls });
      yield { host, port, protection, requireTls };
      break;
    }
    case 'mx': {
      const { domain } = way;
      const hosts = await hostsOf(domain, options);
      const sts = await options.sts.of(domain);
      for (const host of hosts) {
        const tlsa = await tlsaOf(host, port, resolver);
        yield { host, port, protection: protectionFor({ host, domain, tlsa, sts, requireTls }), requireTls };
      }
    }
  }
}

async function routeCandidate(route: Route, requireTls: boolean, resolver: Resolver): Promise<Candidate> {
  const host = await hostNamed(route.host, resolver);
  if (host.addresses.length === 0) {
    throw new NoSuchDestination(
      451,
      '4.4.4',
      `The server ${route.host}, which takes this mail, has no address in the DNS.`,
    );
  }
  const way = {
    host,
    port: route.port,
    implicit: route.tls === 'implicit',
    protection: protectionOfRoute(route, requireTls),
    requireTls,
  };
  if (route.user === undefined || route.passwordFile === undefined) return way;
  const password = (await readFile(route.passwordFile, 'utf8')).trimEnd();
  return { ...way, credentials: { user: route.user, password } };
}

function canLeaveFor(address: string, { localAddresses = [] }: ReachOptions): boolean {
  return localAddresses.length === 0 || localAddresses.some((each) => isIP(each) === isIP(address));
}

/** @throws Unreachable */
async function connect(
  { host, port, implicit, requireTls, credentials }: Candidate,
  protection: Exclude<Protection, { readonly kind: 'refused' }>,
  address: string,
  options: ReachOptions,
): Promise<Peer> {
  const { helo, localAddresses = [], signal, limits = {} } = options;
  const localAddress = localAddresses.find((each) => isIP(each) === isIP(address));
  // Passwords do not cross the network in the clear, whatever the route says.
  const attempts = attemptsFor(protection, host.name, implicit).filter(
    ({ mode }) => credentials === undefined || mode === 'required' || mode === 'implicit',
  );
  let last: Unreachable | undefined;
  for (const tls of attempts) {
    try {
      return await Peer.connect({ address, port, helo, localAddress, tls, requireTls, credentials, signal, limits });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      last = error;
      if (!error.tls) break; // it would be no better without
    }
  }
  throw (
    last ??
    new Unreachable({ reply: 451, status: '4.7.10', text: 'the route would send a password in the clear' }, true)
  );
}
