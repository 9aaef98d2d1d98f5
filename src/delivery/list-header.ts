/**
 * What mail to a group says of itself: List-Id (RFC 2919) and List-Post (RFC 2369), by which mail programs file it. Both stand before the message, and
 * nothing of it is changed, so signatures stay valid. Pure.
 */
import type { MailList } from '../directory/types.ts';

/** What dot-atom-text (RFC 5322 3.2.3) has no room for. */
const NO_ATOM = /[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/g;

/** Header lines, each ended by CRLF. */
export function listHeader({ name, address, who }: MailList): string {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const id = `${local.replace(NO_ATOM, '-')}.${domain}`;
  const post = who === 'named' ? 'NO' : `<mailto:${encodeURIComponent(local)}@${domain}>`;
  return `List-Id: ${phrase(name)}<${id}>\r\nList-Post: ${post}\r\n`;
}

/** The name as a phrase where it needs no encoding; else none: it is decoration. */
function phrase(name: string): string {
  return /^[ -~]{1,60}$/.test(name) ? `"${name.replace(/[\\"]/g, '\\$&')}" ` : '';
}
