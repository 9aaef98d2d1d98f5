/**
 * Mail addresses (RFC 5321 4.1.2, UTF-8 local parts by RFC 6531), pure.
 *
 * Addresses are compared and stored in one canonical form: the local part in lower case and NFKC and without needless
 * quotes, the domain in lower case as A-labels (RFC 5890). So `"Anna"@BÜCHER.example` is `anna@xn--bcher-kva.example`.
 */
import { domainToASCII } from 'node:url';

/** In canonical form. */
export interface Address {
  /** What the quotes, if any, hold. */
  readonly local: string;
  readonly domain: string;
}

/** RFC 5321 4.5.3.1.1 and 4.5.3.1.2; the whole is bounded by a path of 256 with its angle brackets (4.5.3.1.3). In octets. */
const LOCAL_LIMIT = 64;
const DOMAIN_LIMIT = 253;
const ADDRESS_LIMIT = 254;

/** RFC 5322 3.2.3 atext, with RFC 6531's UTF8-non-ascii. */
const ATEXT = String.raw`[A-Za-z0-9!#$%&'*+\-/=?^_{|}~\u{60}\u{a1}-\u{10ffff}]`;
const DOT_STRING = new RegExp(`^${ATEXT}+(?:\\.${ATEXT}+)*$`, 'u');
/** RFC 5321 4.1.2 Quoted-string: qtextSMTP and quoted-pairSMTP. */
const QUOTED_STRING = /^"(?:[ !#-[\]-~\u{a1}-\u{10ffff}]|\\[ -~])+"$/u;
/** What a Unicode string may not hold anywhere: a lone surrogate has no UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** RFC 1035 2.3.1, RFC 1123 2.1: letters, digits and hyphens, at most 63 a label. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const ONLY_ASCII = /^[\x21-\x7e]+$/;
/** Domains whose last label is a number are IPv4 addresses in disguise. */
const NUMERIC_END = /(?:^|\.)\d+$/;

/** An address in canonical form, or null when the text is none. Address literals (`anna@[192.0.2.1]`) are none of ours. */
export function parseAddress(text: string): Address | null {
  const at = text.lastIndexOf('@');
  if (at < 0) return null;
  const local = parseLocalPart(text.slice(0, at));
  const domain = parseDomain(text.slice(at + 1));
  if (local === null || domain === null) return null;
  return Buffer.byteLength(local) + 1 + domain.length > ADDRESS_LIMIT ? null : { local, domain };
}

/** A local part in canonical form, its quotes taken off, or null. */
export function parseLocalPart(text: string): string | null {
  if (Buffer.byteLength(text) > LOCAL_LIMIT || LONE_SURROGATE.test(text)) return null;
  if (DOT_STRING.test(text)) return canonical(text, DOT_STRING);
  if (!QUOTED_STRING.test(text)) return null;
  const local = text.slice(1, -1).replace(/\\(.)/g, '$1');
  return canonical(local, undefined);
}

/** Lower case and NFKC, or null where folding leaves the syntax or never comes to rest. */
function canonical(local: string, syntax: RegExp | undefined): string | null {
  if (ONLY_ASCII.test(local)) return local.toLowerCase();
  const folded = fold(local);
  if (Buffer.byteLength(folded) > LOCAL_LIMIT || fold(folded) !== folded) return null;
  return syntax === undefined || syntax.test(folded) ? folded : null;
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** A domain in lower case as A-labels, or null when the text is none. */
export function parseDomain(text: string): string | null {
  const lower = text.toLowerCase();
  const ascii = ONLY_ASCII.test(lower) ? lower : domainToASCII(lower);
  if (ascii.length > DOMAIN_LIMIT || !DOMAIN.test(ascii) || NUMERIC_END.test(ascii)) return null;
  return ascii;
}

/** The address as it is written in mail: quoted where it must be. */
export function formatAddress({ local, domain }: Address): string {
  return `${DOT_STRING.test(local) ? local : `"${local.replace(/[\\"]/g, '\\$&')}"`}@${domain}`;
}

/** RFC 2606 and RFC 6761: domains that never belong to anybody. */
const RESERVED = /(?:^|\.)(?:test|example|invalid|localhost|example\.(?:com|net|org))$/;

/** True for domains that are reserved for trying things out, in canonical form. */
export function isReservedDomain(domain: string): boolean {
  return RESERVED.test(domain);
}

/** A name somebody signs in with, in canonical form: an address, or a local part alone. For comparing only: it may be of no use. */
export function canonicalName(text: string): string {
  const address = parseAddress(text);
  return address === null ? fold(text.slice(0, ADDRESS_LIMIT)) : formatAddress(address);
}
