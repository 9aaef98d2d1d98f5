/** Reverse and forward paths (RFC 5321 4.1.2, with UTF-8 by RFC 6531 3.3). Pure. */
import { isUtf8 } from 'node:buffer';
import { BadCommand } from '../../errors.ts';

/** RFC 5321 4.5.3.1 asks for 256 octets; a local part of 64 and a domain of 255 make 320, which real senders come near to. */
const MOST_OCTETS = 320;

/** atext and dots; more dots than the RFC allows, because such addresses exist. */
const DOT_STRING = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]+/u;
const QUOTED = /^"(?:[\u0020\u0021\u0023-\u005b\u005d-\u007e\u0080-\u{10ffff}]|\\[\u0020-\u007e])*"/u;
const DOMAIN =
  /^(?:[A-Za-z0-9\u0080-\u{10ffff}](?:[A-Za-z0-9_\-\u0080-\u{10ffff}]*[A-Za-z0-9\u0080-\u{10ffff}])?)(?:\.[A-Za-z0-9_\u0080-\u{10ffff}](?:[A-Za-z0-9_\-\u0080-\u{10ffff}]*[A-Za-z0-9\u0080-\u{10ffff}])?)*/u;
const ADDRESS_LITERAL = /^\[[A-Za-z0-9:.-]+\]/;
/** RFC 5321 4.1.1.3, appendix C: a route before the address is understood and ignored. */
const SOURCE_ROUTE = /^@[^\s,:<>@]+(?:,@[^\s,:<>@]+)*:/;

export interface Path {
  /** The address without angle brackets and route; empty for the null sender `<>`. */
  readonly address: string;
  /** It has characters beyond ASCII: allowed with SMTPUTF8 only. */
  readonly utf8: boolean;
  /** What stands after the closing bracket, without the space: the parameters. */
  readonly rest: string;
}

/**
 * Reads a path at the beginning of the text.
 *
 * @param text one character a byte, as it came
 * @throws BadCommand
 */
export function parsePath(text: string): Path {
  if (!text.startsWith('<')) throw new BadCommand('The address must stand in angle brackets: <name@domain>');
  const end = closingBracket(text);
  if (end > MOST_OCTETS) throw new BadCommand('The address is too long');
  const after = text.slice(end + 1);
  if (after !== '' && !after.startsWith(' ')) throw new BadCommand('A space must follow the address');
  const raw = text.slice(1, end);
  const utf8 = /[^\x00-\x7f]/.test(raw);
  const address = parseAddress(utf8 ? decodeUtf8(raw) : raw);
  return { address, utf8, rest: after.trim() };
}

/** Index of the `>` that ends the path: one in a quoted local part doesn't. */
function closingBracket(text: string): number {
  let quoted = false;
  for (let i = 1; i < text.length; i += 1) {
    const char = text[i];
    if (quoted && char === '\\') i += 1;
    else if (char === '"') quoted = !quoted;
    else if (char === '>' && !quoted) return i;
  }
  throw new BadCommand('The address lacks its closing bracket');
}

function decodeUtf8(raw: string): string {
  const bytes = Buffer.from(raw, 'latin1');
  if (!isUtf8(bytes)) throw new BadCommand('The address is not valid UTF-8');
  return bytes.toString('utf8');
}

/** @returns the address in one way of writing: no route, no quotes that aren't needed (RFC 5321 4.1.2) */
function parseAddress(path: string): string {
  if (path === '') return '';
  const mailbox = path.replace(SOURCE_ROUTE, '');
  if (/^postmaster$/i.test(mailbox)) return mailbox; // RFC 5321 4.5.1: the one address that needs no domain
  const local = DOT_STRING.exec(mailbox)?.[0] ?? QUOTED.exec(mailbox)?.[0];
  if (local === undefined || mailbox[local.length] !== '@') throw new BadCommand('That is not an address');
  const domain = mailbox.slice(local.length + 1);
  const match = DOMAIN.exec(domain)?.[0] ?? ADDRESS_LITERAL.exec(domain)?.[0];
  if (match === undefined || match.length !== domain.length)
    throw new BadCommand('The domain of the address is not valid');
  return `${unquoted(local)}@${domain}`;
}

/** `"anna"` and `anna` are the same local part; `"an na"` is one only with its quotes. */
function unquoted(local: string): string {
  if (!local.startsWith('"')) return local;
  const content = local.slice(1, -1).replace(/\\(.)/gu, '$1');
  if (DOT_STRING.exec(content)?.[0] === content) return content;
  return `"${content.replace(/["\\]/g, '\\$&')}"`;
}
