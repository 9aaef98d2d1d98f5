/** Domains in the one form in which they are compared and asked about. Pure. */
import { domainToASCII } from 'node:url';

/** In lower case, Unicode as the DNS has it, without the dot of the root; what is no domain in lower case. */
export function inAscii(domain: string): string {
  const name = domain.replace(/\.$/, '');
  return domainToASCII(name) || name.toLowerCase();
}

/**
 * The address with its domain so. The directory reads addresses in the same way (directory/address.ts): asked about as it stands, `anna@ｅxample.test`
 * would be of a domain that nobody has, and known as `anna@example.test`.
 */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? address : `${address.slice(0, at)}@${inAscii(address.slice(at + 1))}`;
}
