/** Whether a certificate is one that the DNS names (RFC 7672 3, RFC 7671). Pure. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../../dns/answer.ts';
import { DANE_EE, DANE_TA } from './tlsa.ts';

const DIGEST: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' };

/**
 * @param chain  as the peer sent it: its own certificate, then who issued that, and so on
 * @param names  any of which the certificate may have, where an authority of the domain's own has issued it
 * @returns what is wrong; undefined: nothing
 */
export function daneFault(
  chain: readonly X509Certificate[],
  records: readonly TlsaRecord[],
  names: readonly string[],
  now: Date,
): string | undefined {
  const [own] = chain;
  if (own === undefined) return 'it sent no certificate';
  // RFC 7672 3.1.1: neither its names nor its dates matter, the record is all.
  if (records.some((record) => record.usage === DANE_EE && matches(own, record))) return undefined;
  const authorities = records.filter(({ usage }) => usage === DANE_TA);
  for (let at = 1; at < chain.length && isIssued(chain[at - 1]!, chain[at]!, now); at++) {
    if (!authorities.some((record) => matches(chain[at]!, record))) continue;
    if (!isValid(own, now)) return 'its certificate has expired, or is not valid yet';
    // RFC 7672 3.2.2
    if (names.some((name) => own.checkHost(name, HOST_RULES) !== undefined)) return undefined;
    return `its certificate is not for ${names.join(' or ')}`;
  }
  return 'its certificate is none that the DNS names';
}

/** RFC 7672 3.2.3: a wildcard stands for the whole first label. */
const HOST_RULES = { subject: 'default', wildcards: true, partialWildcards: false } as const;

function isIssued(certificate: X509Certificate, issuer: X509Certificate, now: Date): boolean {
  return issuer.ca && isValid(issuer, now) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate;
}

/** RFC 6698 2.1.2, 2.1.3 */
function matches(certificate: X509Certificate, { selector, matchingType, data }: TlsaRecord): boolean {
  const content = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const digest = DIGEST[matchingType];
  return data.equals(digest === undefined ? content : createHash(digest).update(content).digest());
}
