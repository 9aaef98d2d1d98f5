/** Files that Courier keeps in a Maildir (`courierimapuiddb` is read as Dovecot's list, version 1). Pure. */
import { decodeModifiedUtf7 } from '../imap/syntax/mailbox-name.ts';
import { maildirName } from './maildir-name.ts';

/**
 * POP3's unique ids by unique name, from `courierpop3dsizelist`: a first line `/3 <next> <uidvalidity>`, then lines
 * `<name> <size> <uid>:<uidvalidity>:<flag>`. Courier answers UIDL with `UID<uid>-<uidvalidity>`, or the name where the UID is 0.
 */
export function parsePop3Sizes(text: string): Map<string, string> {
  const ids = new Map<string, string>();
  const [header, ...lines] = text.split('\n');
  if (!/^\/[23] /.test(header ?? '')) return ids;
  for (const line of lines) {
    const match = /^(\S+) \d+ (\d+):(\d+)(?::\d+)?$/.exec(line);
    if (match === null) continue;
    const [, file, uid, uidvalidity] = match;
    const { unique, base } = maildirName(file!);
    ids.set(unique, uid === '0' ? base : `UID${uid}-${uidvalidity}`);
  }
  return ids;
}

/**
 * Keywords by unique name, from `courierimapkeywords/:list`: the keywords, one a line, an empty line, then lines `<name>:<number> <number>`.
 * A file of the message's own beside the list is newer: see {@link parseKeywordFile}.
 */
export function parseKeywordList(text: string): Map<string, string[]> {
  const lines = text.split('\n');
  const end = lines.indexOf('');
  const names = lines.slice(0, Math.max(0, end));
  const keywords = new Map<string, string[]>();
  for (const line of lines.slice(end + 1)) {
    const colon = line.lastIndexOf(':');
    if (colon <= 0) continue;
    const numbers = line.slice(colon + 1).split(' ');
    const found = numbers.flatMap((number) => (/^\d+$/.test(number) ? (names[Number(number)] ?? []) : []));
    keywords.set(maildirName(line.slice(0, colon)).unique, found);
  }
  return keywords;
}

/** Keywords of one message: one a line. */
export function parseKeywordFile(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Folders in `courierimapsubscribed`: `INBOX` and `INBOX.Clients`, in UTF-8, older ones in modified UTF-7. */
export function parseSubscribed(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (line === 'INBOX' ? line : line.replace(/^INBOX\./, '')))
    .map((line) =>
      line
        .split('.')
        .map((part) => decodeModifiedUtf7(part) ?? part)
        .join('/'),
    );
}
