/**
 * How mail is protected on its way to a host. Pure: facts in, a decision out.
 *
 * Invariants
 * - Nobody on the way can talk away what a domain has said of TLS: where nobody could say whether there are TLSA records, mail waits.
 * - DANE goes before MTA-STS (RFC 8461 2): no certificate authority makes good a certificate that is not the one in the DNS.
 * - In the clear goes only what neither the domain, nor the sender, nor a route wants protected.
 */
import { libraries } from '../../libraries.ts';
import type { StsPolicy } from '../../store/sts-policies.ts';
import type { Host } from '../hosts.ts';
import type { PeerReply } from '../peer.ts';
import type { Route } from '../route.ts';
import type { Tlsa, UsableTlsa } from './tlsa.ts';

export interface HostFacts {
  readonly host: Pick<Host, 'name' | 'authentic'>;
  /** Whose mail it takes. */
  readonly domain: string;
  readonly tlsa: Tlsa;
  /** What holds for the domain; undefined: nothing. */
  readonly sts: StsPolicy | undefined;
  /** The sender wants it (RFC 8689). */
  readonly requireTls: boolean;
}

export type Protection =
  /** TLS with any certificate, and none where there can be none (RFC 7435). */
  | { readonly kind: 'opportunistic' }
  /** TLS, with any certificate. */
  | { readonly kind: 'encrypted' }
  /** TLS, with a certificate that an authority has given out for the host. */
  | { readonly kind: 'verified'; readonly because: 'mta-sts' | 'requiretls' | 'route' }
  /** TLS, with a certificate that the DNS names. */
  | { readonly kind: 'dane'; readonly tlsa: UsableTlsa; readonly domain: string }
  /** The host is not used. */
  | { readonly kind: 'refused'; readonly said: PeerReply };

/** How a connection came to be protected. */
export type TlsKind = 'none' | 'unverified' | 'verified' | 'mta-sts' | 'dane';

/** How mail for a domain is protected on its way to one of its hosts. */
export function protectionFor({ host, domain, tlsa, sts, requireTls }: HostFacts): Protection {
  // RFC 7672 2.1.2: who could make the question fail could else take DANE away.
  if (tlsa.kind === 'unknown') {
    return refused(451, '4.4.3', `nobody could say which certificate ${host.name} has: ${tlsa.why}`);
  }
  const listed = sts !== undefined && isListed(host.name, sts);
  // RFC 8689 4.2.1: else the host that proves its name is one that somebody on the way has named. The policy need not be enforced for it.
  if (requireTls && !host.authentic && !listed) {
    const text = `the sender wants TLS that is verified, and neither DNSSEC nor MTA-STS says that ${host.name} takes mail for ${domain}`;
    return refused(550, '5.7.10', text);
  }
  if (tlsa.kind === 'usable') return { kind: 'dane', tlsa, domain };
  if (sts?.mode === 'enforce') {
    if (listed) return { kind: 'verified', because: 'mta-sts' };
    // RFC 8461 5: a policy that was changed too late is mended within days.
    return refused(451, '4.7.5', `the MTA-STS policy of ${domain} does not name ${host.name}`);
  }
  if (requireTls) return { kind: 'verified', because: 'requiretls' };
  // RFC 7672 2.2: that there is TLS is known, only not with which certificate.
  return { kind: tlsa.kind === 'unusable' ? 'encrypted' : 'opportunistic' };
}

/** What a route says of itself; and never less than the sender wants. */
export function protectionOfRoute({ tls }: Pick<Route, 'tls'>, requireTls: boolean): Protection {
  if (requireTls || tls === 'verified' || tls === 'implicit') return { kind: 'verified', because: 'route' };
  return { kind: tls === 'required' ? 'encrypted' : 'opportunistic' };
}

/** How a connection is protected that was made as decided. @param secure  TLS is on */
export function kindOf(protection: Protection, secure: boolean): TlsKind {
  if (!secure) return 'none';
  switch (protection.kind) {
    case 'dane':
      return 'dane';
    case 'verified':
      return protection.because === 'mta-sts' ? 'mta-sts' : 'verified';
    default:
      return 'unverified';
  }
}

/** The policy names the host (RFC 8461 4.1). */
export function isListed(host: string, { mode, mx }: Pick<StsPolicy, 'mode' | 'mx'>): boolean {
  return mode !== 'none' && libraries.mtaSts.validateMx(host, { mode, mx: [...mx] }).valid;
}

function refused(reply: number, status: string, text: string): Protection {
  return { kind: 'refused', said: { reply, status, text } };
}
