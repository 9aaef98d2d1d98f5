/** From a destination to a connection that takes its mail: the hosts in their order, each address, TLS as it must be. */
import { readFile } from 'node:fs/promises';
import type { Resolver } from '../dns/resolver.ts';
import { type Host, hostNamed, hostsOf, NoSuchDestination } from './hosts.ts';
import { Peer, type PeerLimits, type PeerOptions, type PeerTls, Unreachable } from './peer.ts';
import type { Route, Routes, Way } from './route.ts';

export interface ReachOptions {
  readonly routes: Routes;
  readonly resolver: Resolver;
  /** As this server calls itself. */
  readonly helo: string;
  readonly ownNames: ReadonlySet<string>;
  /** Where MX hosts listen: 25. */
  readonly port: number;
  readonly localAddress?: string | undefined;
  readonly random: () => number;
  readonly limits?: Partial<PeerLimits>;
}

/** A peer, and what it is called in reports and in the trace. */
export interface Reached {
  readonly peer: Peer;
  readonly name: string;
}

/** One way to a host: its TLS, and what may be tried when that fails. */
interface Candidate {
  readonly host: Host;
  readonly port: number;
  readonly tls: readonly PeerTls[];
  readonly credentials?: PeerOptions['credentials'];
}

/** Nobody checks an opportunistic certificate: better a stranger's than none (RFC 7435). */
const ANY_CERTIFICATE = { rejectUnauthorized: false } as const;
const PLAIN: PeerTls = { mode: 'none', options: {} };

/**
 * Connects to the first host that can be reached.
 * @throws NoSuchDestination when no mail can go there; Unreachable when nobody answers; Refused `dns.unavailable`
 */
export async function reach(destination: string, requireTls: boolean, options: ReachOptions): Promise<Reached> {
  const way = options.routes.wayTo(destination);
  if (way === undefined) {
    const text = `The route ${destination} is no longer configured.`;
    throw new Unreachable({ reply: 451, status: '4.4.4', text }, false);
  }
  let last: Unreachable | undefined;
  for (const candidate of await candidatesFor(way, requireTls, options)) {
    for (const address of candidate.host.addresses) {
      try {
        return { peer: await connect(candidate, address, options), name: `${candidate.host.name} [${address}]` };
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        last = error;
      }
    }
  }
  throw (
    last ?? new Unreachable({ reply: 451, status: '4.4.4', text: `no host of ${destination} has an address` }, false)
  );
}

async function candidatesFor(way: Way, requireTls: boolean, options: ReachOptions): Promise<Candidate[]> {
  const { resolver, port } = options;
  switch (way.kind) {
    case 'route':
      return [await routeCandidate(way.route, resolver)];
    case 'address': {
      const host = { name: way.address, addresses: [way.address], authentic: false };
      return [{ host, port, tls: usual(host, requireTls) }];
    }
    case 'mx':
      return (await hostsOf(way.domain, options)).map((host) => ({ host, port, tls: usual(host, requireTls) }));
  }
}

/** What is tried with a host of the Internet, one after the other. */
function usual({ name }: Host, requireTls: boolean): PeerTls[] {
  // RFC 8689 4.2.1: a certificate that is valid for the host.
  if (requireTls) return [{ mode: 'required', options: { servername: name } }];
  return [{ mode: 'opportunistic', options: { ...ANY_CERTIFICATE, servername: name } }, PLAIN];
}

async function routeCandidate(route: Route, resolver: Resolver): Promise<Candidate> {
  const host = await hostNamed(route.host, resolver);
  if (host.addresses.length === 0) {
    throw new NoSuchDestination(
      451,
      '4.4.4',
      `The server ${route.host}, which takes this mail, has no address in the DNS.`,
    );
  }
  const servername = route.host;
  const tls = {
    opportunistic: [{ mode: 'opportunistic' as const, options: { ...ANY_CERTIFICATE, servername } }, PLAIN],
    required: [{ mode: 'required' as const, options: { ...ANY_CERTIFICATE, servername } }],
    verified: [{ mode: 'required' as const, options: { servername } }],
    implicit: [{ mode: 'implicit' as const, options: { servername } }],
  }[route.tls];
  if (route.user === undefined || route.passwordFile === undefined) return { host, port: route.port, tls };
  const password = (await readFile(route.passwordFile, 'utf8')).trimEnd();
  // Passwords do not cross the network in the clear, whatever the route says.
  const safe = tls.filter(({ mode }) => mode === 'required' || mode === 'implicit');
  return { host, port: route.port, tls: safe, credentials: { user: route.user, password } };
}

/** @throws Unreachable */
async function connect({ tls, port, credentials }: Candidate, address: string, options: ReachOptions): Promise<Peer> {
  const { helo, localAddress, limits = {} } = options;
  let last: Unreachable | undefined;
  for (const each of tls) {
    try {
      return await Peer.connect({ address, port, helo, localAddress, tls: each, credentials, limits });
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
