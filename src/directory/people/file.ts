/** A file of people, in any format we read: which one shows in its first line. */
import { peopleFromCsv } from './csv.ts';
import { lines, peopleFromPasswd, peopleFromShadow, peopleFromUserdb } from './passwd.ts';
import type { FileRow } from './person.ts';

export const PEOPLE_FORMATS = ['csv', 'dovecot', 'htpasswd', 'shadow', 'courier'] as const;
export type PeopleFormat = (typeof PEOPLE_FORMATS)[number];

export interface PeopleFile {
  readonly text: string;
  /** What it is; if absent, as it looks. */
  readonly format?: PeopleFormat | undefined;
  /** Of names without one. */
  readonly domain?: string | undefined;
  /** Beside a shadow file: the text of passwd, which has the people's names. */
  readonly passwd?: string | undefined;
}

/** @param unknown  hears of columns that are not read */
export async function* peopleOf(
  file: PeopleFile,
  unknown: (columns: readonly string[]) => void,
): AsyncGenerator<FileRow> {
  const { text, format = formatOf(text), domain, passwd } = file;
  const options = { domain, passwd };
  if (format === 'csv') yield* peopleFromCsv(text, domain, unknown);
  else if (format === 'shadow') yield* peopleFromShadow(text, options);
  else if (format === 'courier') yield* peopleFromUserdb(text, options);
  else yield* peopleFromPasswd(text, options);
}

/** The separator that comes first tells. */
export function formatOf(text: string): PeopleFormat {
  for (const line of lines(text)) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const separator = /[,:\t]/.exec(line)?.[0];
    if (separator === '\t') return 'courier';
    if (separator !== ':') return 'csv';
    const fields = line.split(':');
    const isShadow =
      fields.length === 9 && fields.slice(2, 8).every((field) => /^\d*$/.test(field)) && fields[2] !== '';
    if (isShadow) return 'shadow';
    return fields.length === 2 ? 'htpasswd' : 'dovecot';
  }
  return 'csv';
}

/** How many rows there may be, for the progress: lines, though a quoted field may hold several. */
export function rowsOf(text: string): number {
  let count = 0;
  for (const line of lines(text)) if (line !== '') count++;
  return count;
}
