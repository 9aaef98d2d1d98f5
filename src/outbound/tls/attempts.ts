/** What a decision on TLS comes to on a connection: its options, and what is looked at once TLS is on. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { PeerTls } from '../peer.ts';
import { daneFault } from './dane.ts';
import type { Protection } from './protection.ts';
import type { UsableTlsa } from './tlsa.ts';

/** Nobody checks such a certificate: better a stranger's than none (RFC 7435). */
const ANY_CERTIFICATE = { rejectUnauthorized: false } as const;
const PLAIN: PeerTls = { mode: 'none', options: {} };
/** Certificates of a chain that are looked at. */
const MOST_CERTIFICATES = 10;

/** What is tried with a host, one after the other. @param implicit  TLS from the first byte */
export function attemptsFor(
  protection: Exclude<Protection, { readonly kind: 'refused' }>,
  host: string,
  implicit = false,
): readonly PeerTls[] {
  const required = implicit ? 'implicit' : 'required';
  switch (protection.kind) {
    case 'opportunistic':
      return [{ mode: 'opportunistic', options: { ...ANY_CERTIFICATE, ...asked(host) } }, PLAIN];
    case 'encrypted':
      return [{ mode: required, options: { ...ANY_CERTIFICATE, ...asked(host) } }];
    case 'verified':
      return [{ mode: required, options: { ...asked(host), checkServerIdentity } }];
    case 'dane':
      return [dane(protection.tlsa, host, protection.domain)];
  }
}

/** RFC 6066 3: an address is no name to ask for. */
function asked(host: string): Pick<ConnectionOptions, 'servername'> {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** RFC 8461 4.1, RFC 9525 6.3: the certificate has the host among its alternative names; its common name counts for nothing. */
const checkServerIdentity: NonNullable<ConnectionOptions['checkServerIdentity']> = (host, { raw }) => {
  const certificate = new X509Certificate(raw);
  const rules = { subject: 'never', wildcards: true, partialWildcards: false } as const;
  const named = isIP(host) === 0 ? certificate.checkHost(host, rules) : certificate.checkIP(host);
  if (named !== undefined) return undefined;
  return Object.assign(new Error(`it is not for ${host}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
};

/** The certificate is looked at here: certificate authorities have no say in it (RFC 7672 3.1.3). */
function dane({ base, records }: UsableTlsa, host: string, domain: string): PeerTls {
  const names = [...new Set([base, host, domain])];
  return {
    mode: 'required',
    options: { ...ANY_CERTIFICATE, servername: base },
    verify: (socket) => daneFault(chainOf(socket), records, names, new Date()),
  };
}

/** As the peer sent it, from its own certificate on. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let each = socket.getPeerX509Certificate(); each !== undefined; each = each.issuerCertificate) {
    if (chain.length === MOST_CERTIFICATES || chain.at(-1)?.fingerprint256 === each.fingerprint256) break;
    chain.push(each);
  }
  return chain;
}
