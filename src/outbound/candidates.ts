/** Hosts that may be tried for a destination, each with how mail is protected on its way there. */
import type { Resolver } from '../dns/resolver.ts';
import { type Host, type HostsOptions, hostNamed, hostsOf, NoSuchDestination } from './hosts.ts';
import type { PeerOptions } from './peer.ts';
import type { Route, Way } from './route.ts';
import { routePassword } from './route-password.ts';
import { type HostFacts, type Protection, protectionFor, protectionOfRoute } from './tls/protection.ts';
import type { Sts } from './tls/sts.ts';
import { tlsaOf } from './tls/tlsa.ts';

export interface CandidateOptions extends HostsOptions {
  /** What domains say of TLS on the way to them. */
  readonly sts: Pick<Sts, 'of'>;
  /** Where MX hosts listen: 25. */
  readonly port: number;
}

/** One host that may be tried. */
export interface Candidate {
  readonly host: Host;
  readonly port: number;
  readonly protection: Protection;
  /** What that was decided from; absent: the route says it. */
  readonly facts?: HostFacts;
  /** TLS from the first byte. */
  readonly implicit?: boolean;
  readonly requireTls: boolean;
  readonly credentials?: PeerOptions['credentials'];
}

/**
 * One after the other, so that nobody is asked of a host that is not tried.
 * @throws NoSuchDestination when no mail can go there; Refused `dns.unavailable`
 */
export async function* candidatesFor(
  way: Way,
  requireTls: boolean,
  options: CandidateOptions,
): AsyncGenerator<Candidate, void, void> {
  const { resolver, port } = options;
  switch (way.kind) {
    case 'route':
      yield await routeCandidate(way.route, requireTls, resolver);
      break;
    case 'address': {
      const host: Host = { name: way.address, addresses: [way.address], authentic: false };
      yield decided({ host, domain: way.address, tlsa: { kind: 'none' }, sts: undefined, requireTls }, host, port);
      break;
    }
    case 'mx': {
      const { domain } = way;
      const hosts = await hostsOf(domain, options);
      const sts = await options.sts.of(domain);
      for (const host of hosts) {
        yield decided({ host, domain, tlsa: await tlsaOf(host, port, resolver), sts, requireTls }, host, port);
      }
    }
  }
}

function decided(facts: HostFacts, host: Host, port: number): Candidate {
  return { host, port, facts, protection: protectionFor(facts), requireTls: facts.requireTls };
}

/** RFC 6761 6.3: this machine, whatever the DNS says. Of the hosts that strangers name (MX) it is not so. */
async function hostOfRoute(name: string, resolver: Resolver): Promise<Host> {
  if (name.toLowerCase() !== 'localhost') return hostNamed(name, resolver);
  return { name, addresses: ['127.0.0.1', '::1'], authentic: false };
}

async function routeCandidate(route: Route, requireTls: boolean, resolver: Resolver): Promise<Candidate> {
  const host = await hostOfRoute(route.host, resolver);
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
  const password = await routePassword(route.host, route.passwordFile);
  return { ...way, credentials: { user: route.user, password } };
}
