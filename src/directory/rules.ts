/** What the directory takes: each rule answers with what to do about it. */
import { PASSWORD_LIMIT } from '../auth/password.ts';
import { Refused } from '../errors.ts';
import { type Address, formatAddress, isReservedDomain, parseAddress, parseDomain } from './address.ts';
import { SIGN_IN_PROTOCOLS, type SignInProtocol } from './types.ts';

const DISPLAY_NAME_LIMIT = 256;
const CONTROL = /\p{Cc}|\p{Surrogate}/u;

/** @returns the address in canonical form */
export function requireAddress(text: string): Address {
  const address = parseAddress(text);
  if (address === null) {
    throw invalid(`"${shown(text)}" is not a mail address. It is written like anna@example.com.`);
  }
  return address;
}

/** An address as it is kept: `anna@office.test`. @throws Refused `directory.invalid` */
export function canonicalAddress(text: string): string {
  return formatAddress(requireAddress(text));
}

/**
 * A domain that this office may have. A trial office takes only domains that can't belong to anybody (RFC 2606, RFC 6761).
 * @returns the domain in canonical form
 */
export function requireDomain(text: string, { trial }: { readonly trial: boolean }): string {
  const domain = parseDomain(text);
  if (domain === null) throw invalid(`"${shown(text)}" is not a domain. It is written like example.com.`);
  if (trial && !isReservedDomain(domain)) {
    throw invalid(
      `This is a trial office: it takes only domains kept for trying out, such as office.test. For ${domain} start a real office: rainmail serve --config rainmail.toml, with a new data directory.`,
    );
  }
  return domain;
}

export function requirePassword(password: string): void {
  if (password === '') throw invalid('The password is empty. Choose one.');
  if (Buffer.byteLength(password) > PASSWORD_LIMIT) {
    throw invalid(`The password is too long: at most ${PASSWORD_LIMIT} bytes.`);
  }
  if (CONTROL.test(password)) {
    throw invalid('The password holds a control character, which mail programs can not send. Choose another.');
  }
}

/** @returns the name without the white space around it */
export function requireDisplayName(text: string): string {
  const name = text.trim();
  if (name.length > DISPLAY_NAME_LIMIT || CONTROL.test(name)) {
    throw invalid(`A name has at most ${DISPLAY_NAME_LIMIT} characters, all on one line.`);
  }
  return name;
}

/** @returns the group's name without the white space around it */
export function requireGroupName(text: string): string {
  const name = requireDisplayName(text);
  if (name === '') throw invalid('A group needs a name.');
  return name;
}

/** @returns what a person calls a device, without the white space around it */
export function requireLabel(text: string): string {
  const label = requireDisplayName(text);
  if (label === '') throw invalid('An app password needs a name, such as "Anna\'s phone".');
  return label;
}

/** @returns the protocols in the order in which they are always told; null for all of them */
export function requireProtocols(protocols: readonly SignInProtocol[] | null): SignInProtocol[] | null {
  if (protocols === null) return null;
  if (protocols.length === 0) throw invalid('An app password that is for nothing is of no use: name a protocol.');
  return SIGN_IN_PROTOCOLS.filter((protocol) => protocols.includes(protocol));
}

/** A separator of subaddresses: one character that may stand anywhere in a name, or none. */
export function requireSeparator(separator: string): void {
  if (separator !== '' && !/^[-+_=~#]$/.test(separator)) {
    throw invalid('A separator is one of + - _ = ~ #, or none.');
  }
}

export function requireQuota(quotaBytes: number | null): void {
  if (quotaBytes !== null && (!Number.isSafeInteger(quotaBytes) || quotaBytes <= 0)) {
    throw invalid('A quota is a whole number of bytes above zero; for no limit say unlimited.');
  }
}

export function requireRank(rank: number): void {
  if (!Number.isSafeInteger(rank) || rank < 0 || rank > 1_000_000) {
    throw invalid('A rank is a whole number from 0 to 1000000: the lower counts.');
  }
}

export function invalid(text: string): Refused {
  return new Refused('directory.invalid', text);
}

export function missing(text: string): Refused {
  return new Refused('directory.missing', text);
}

export function exists(text: string): Refused {
  return new Refused('directory.exists', text);
}

/** Text from outside, fit for a message: short, on one line. */
function shown(text: string): string {
  return text.slice(0, 100).replace(/\p{Cc}/gu, '?');
}
