/** Files that Dovecot keeps in a Maildir: read from its own, and written so that Dovecot serves what we export. Pure. */
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../imap/syntax/mailbox-name.ts';
import { maildirName } from './maildir-name.ts';

/** What `dovecot-uidlist` (or Courier's `courierimapuiddb`) tells of one message. */
export interface Listed {
  readonly uid: number;
  /** POP3's unique id, where it is noted (P). */
  readonly uidl: string | null;
}

export interface UidList {
  readonly uidvalidity: number | null;
  /** By unique name. */
  readonly messages: ReadonlyMap<string, Listed>;
}

export const NO_UIDS: UidList = { uidvalidity: null, messages: new Map() };

/**
 * Version 3 is Dovecot's: `3 V<uidvalidity> N<next>`, then `<uid> <field>... :<name>`. Version 1 is Courier's (and an old Dovecot's):
 * `1 <uidvalidity> <next>`, then `<uid> <name>`. A later line about a name counts: Dovecot appends.
 */
export function parseUidList(text: string): UidList {
  const lines = text.split('\n');
  const header = /^(?:3(?: \S+)*? V(\d+)|1 (\d+))\b/.exec(lines[0] ?? '');
  if (header === null) return NO_UIDS;
  const messages = new Map<string, Listed>();
  for (const line of lines.slice(1)) {
    const match = /^(\d+) (?:(.*?) ?:)?(\S+)$/.exec(line);
    if (match === null) continue;
    const uidl = / P(\S+)/.exec(` ${match[2] ?? ''}`)?.[1] ?? null;
    messages.set(maildirName(match[3]!).unique, { uid: Number(match[1]), uidl });
  }
  return { uidvalidity: Number(header[1] ?? header[2]), messages };
}

export function uidListHeader(uidvalidity: number, uidnext: number): string {
  return `3 V${uidvalidity} N${uidnext}\n`;
}

/** A line of the list. @param base the file's name without its flags */
export function uidListLine(uid: number, uidl: string, base: string): string {
  return `${uid} P${uidl} :${base}\n`;
}

/** Keywords a to z: lines such as `0 $Forwarded`. */
export function parseKeywords(text: string): (string | undefined)[] {
  const keywords: (string | undefined)[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d{1,2}) (\S+)\r?$/.exec(line);
    if (match !== null && Number(match[1]) < 26) keywords[Number(match[1])] = match[2]!;
  }
  return keywords;
}

export function formatKeywords(keywords: readonly string[]): string {
  return keywords.map((keyword, index) => `${index} ${keyword}\n`).join('');
}

/**
 * Names in `subscriptions`: from Dovecot 2.3 on with tabs between their parts, after a line with a version; else one a line, with dots as the
 * directories of Maildir++ have them, or slashes.
 */
export function parseSubscriptions(text: string): string[] {
  const [first, ...rest] = text.split('\n');
  const versioned = /^V\t\d+$/.test(first ?? '');
  const separator = versioned ? '\t' : text.includes('/') ? '/' : '.';
  const lines = versioned ? rest : [first ?? '', ...rest];
  return lines
    .filter((line) => line !== '')
    .map((line) => line.split(separator).map((part) => (versioned ? unescaped(part) : part)))
    .map((parts) => parts.map((part) => decodeModifiedUtf7(part) ?? part).join('/'));
}

/** Dovecot's escapes in lines with tabs. */
function unescaped(text: string): string {
  const plain: Record<string, string> = { '0': '\0', '1': '\x01', t: '\t', r: '\r', n: '\n' };
  return text.replace(/\x01(.)/g, (_, letter: string) => plain[letter] ?? letter);
}

/** @param names directories' names without their first dot, in modified UTF-7 */
export function formatSubscriptions(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join('');
}

/** The directory of a folder in Maildir++: `.Clients.Miller`, in modified UTF-7; null for a name the format has no place for. */
export function maildirDirectory(path: string): string | null {
  const name = path.split('/').map(encodeModifiedUtf7);
  if (name.some((part) => part.includes('.') || part.startsWith('~'))) return null;
  const directory = `.${name.join('.')}`;
  return Buffer.byteLength(directory) > 200 ? null : directory;
}

/** The folder of a Maildir++ directory. Names are in modified UTF-7, newer Courier's in UTF-8. */
export function folderOfDirectory(directory: string): string {
  const parts = directory.replace(/^\./, '').split('.');
  return parts
    .filter((part) => part !== '')
    .map((part) => decodeModifiedUtf7(part) ?? part)
    .join('/');
}
