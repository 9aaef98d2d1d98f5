/** The Authentication-Results field (RFC 8601 2.2). Pure. */
import type { Authentication } from './types.ts';

/** RFC 5322 2.1.1, with room for what begins the line. */
const LONGEST_LINE = 900;

/** The field, ended by CRLF. @param authservId a host name */
export function resultsField(authservId: string, { iprev, spf, dkim, dmarc, arc }: Authentication): string {
  const vouched = arc?.vouchedBy === undefined ? '' : ` (taken all the same: ${arc.vouchedBy} saw it pass)`;
  const rows = [iprev, spf, ...dkim, dmarc, arc].flatMap((finding) => finding?.row ?? []);
  const shown = rows.map((row) => folded(row.replace(/^dmarc=fail/, `$&${vouched}`)));
  return `Authentication-Results: ${authservId};\r\n${shown.join(';\r\n')}\r\n`;
}

/** A row is words, comments and quoted strings: each may be folded at a space (RFC 5322 2.2.3). */
function folded(row: string): string {
  let lines = '';
  let rest = row;
  while (rest.length > LONGEST_LINE) {
    const at = rest.lastIndexOf(' ', LONGEST_LINE);
    if (at <= 0) break;
    lines += `\t${rest.slice(0, at)}\r\n`;
    rest = rest.slice(at);
  }
  return `${lines}\t${rest}`;
}
