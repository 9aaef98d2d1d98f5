/** From a destination to a connection that takes its mail: the hosts in their order, each address, TLS as it must be. */
import { isIP } from 'node:net';
import type { Milliseconds } from '../store/ids.ts';
import { type Candidate, type CandidateOptions, candidatesFor } from './candidates.ts';
import { OURSELVES } from './opening.ts';
import { Peer, type PeerLimits, Unreachable } from './peer.ts';
import type { Routes } from './route.ts';
import { attemptsFor } from './tls/attempts.ts';
import { kindOf, type Protection, type TlsKind } from './tls/protection.ts';

export interface ReachOptions extends CandidateOptions {
  readonly routes: Routes;
  /** As this server calls itself. */
  readonly helo: string;
  /** Addresses of this machine that connections leave from, one of a family at most; other families are not used then. Empty: as it chooses. */
  readonly localAddresses?: readonly string[];
  /** Aborted: nothing more is tried, and what is open is closed. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<PeerLimits>;
  /** For tests: how long one address is tried after the other. */
  readonly triedFor?: Milliseconds;
}

/** A peer, what it is called in reports and in the trace, and how the connection is protected. */
export interface Reached {
  readonly peer: Peer;
  readonly name: string;
  readonly tls: TlsKind;
  /** It is not as the receiving domain wants it, which the sender of one message has waived: it is for that one alone. */
  readonly alone: boolean;
}

/** What a sender wants of TLS: that it is verified all the way (RFC 8689 4.2.1), or that mail rather goes without (RFC 8689 4.2.2). */
export type TlsWish = 'required' | 'usual' | 'waived';

const OPPORTUNISTIC: Protection = { kind: 'opportunistic' };
/** Then no further address is tried in this attempt: a domain with many hosts that answer slowly would keep a connection from others for hours. */
const TRIED_FOR: Milliseconds = 300_000;
/** But so many are (RFC 5321 5.1). */
const LEAST_TRIED = 2;
const NOT_ALL_TRIED = { reply: 451, status: '4.4.1', text: 'its hosts answer so slowly that not all could be tried' };

/**
 * Connects to the first host that can be reached.
 * @throws NoSuchDestination when no mail can go there; Unreachable when no host will do; Refused `dns.unavailable`
 */
export async function reach(destination: string, wish: TlsWish, options: ReachOptions): Promise<Reached> {
  const way = options.routes.wayTo(destination);
  if (way === undefined) {
    const name = destination.replace(/^route:/, '');
    const text = `The route ${name} is not configured any more. An administrator can send it another way (rainmail queue reroute).`;
    throw new Unreachable({ reply: 451, status: '4.4.4', text }, false);
  }
  const requireTls = wish === 'required';
  const failures: Unreachable[] = [];
  const { triedFor = TRIED_FOR } = options;
  const begun = performance.now();
  let tried = 0;
  const isOver = () => tried >= LEAST_TRIED && performance.now() - begun >= triedFor;
  hosts: for await (const candidate of candidatesFor(way, requireTls, options)) {
    if (isOver()) break;
    const { host, protection: usual, facts } = candidate;
    // What a route says is the word of this server's administrator, which no sender waives.
    const protections = wish === 'waived' && facts !== undefined ? [usual, OPPORTUNISTIC] : [usual];
    for (const address of host.addresses.filter((each) => canLeaveFor(each, options))) {
      if (isOver()) break;
      tried += 1;
      const name = `${host.name} [${address}]`;
      for (const protection of protections) {
        if (options.signal?.aborted) break;
        try {
          const peer = await connectTo(candidate, protection, address, options);
          return { peer, name, tls: kindOf(protection, peer.secure), alone: protection !== usual };
        } catch (error) {
          if (!(error instanceof Unreachable)) throw error;
          // What is refused was decided for this wish: that nobody could say what protects a host may be otherwise in an hour.
          const isFinal = requireTls && error.tls && protection.kind !== 'refused';
          failures.push((isFinal ? withoutTls(error) : error).at(name));
          if (error.said === OURSELVES) break hosts; // who stands behind it hands mail to us
          if (!error.tls) break;
        }
      }
    }
  }
  // While one of the hosts may do later, nothing has failed for good.
  throw (
    failures.findLast(({ said }) => said.reply < 500) ??
    (isOver() ? new Unreachable(NOT_ALL_TRIED, false) : undefined) ??
    failures.at(-1) ??
    new Unreachable({ reply: 451, status: '4.4.4', text: `no host of ${destination} has an address` }, false)
  );
}

/** RFC 8689 4.2.1: who wants TLS all the way hears at once that it can't be had. */
function withoutTls({ said: { reply, status, text } }: Unreachable): Unreachable {
  return new Unreachable(reply >= 500 ? { reply, status, text } : { reply: 550, status: '5.7.10', text }, true);
}

/** It is of a kind that this server has an address of. */
export function canLeaveFor(address: string, { localAddresses = [] }: ReachOptions): boolean {
  return localAddresses.length === 0 || localAddresses.some((each) => isIP(each) === isIP(address));
}

/** Connects as it was decided. @throws Unreachable */
export async function connectTo(
  { host, port, facts, implicit, requireTls, credentials }: Candidate,
  protection: Protection,
  address: string,
  options: ReachOptions,
): Promise<Peer> {
  if (protection.kind === 'refused') throw new Unreachable(protection.said, true);
  const { helo, localAddresses = [], signal, limits = {} } = options;
  const localAddress = localAddresses.find((each) => isIP(each) === isIP(address));
  // Passwords do not cross the network in the clear, whatever the route says.
  const attempts = attemptsFor(protection, host.name, implicit).filter(
    ({ mode }) => credentials === undefined || mode === 'required' || mode === 'implicit',
  );
  const byDns = facts !== undefined;
  let last: Unreachable | undefined;
  for (const tls of attempts) {
    try {
      return await Peer.connect({
        address,
        port,
        helo,
        localAddress,
        tls,
        requireTls,
        byDns,
        credentials,
        signal,
        limits,
      });
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
