/** What the checks found of a message that a stranger brought, for people who know nothing of SPF and DKIM. Pure. */

/** Where strangers may write what they like: a local part of an address. */
const QUOTED = /"(?:[^"\\]|\\.)*"/gs;

/**
 * @param results  our own Authentication-Results field
 * @returns a sentence of which the message is the subject; undefined: DMARC says neither yes nor no
 */
export function checkedText(results: string): string | undefined {
  const [, result, row = ''] = /^.*;\s*dmarc=(\w+)(.*)$/s.exec(results.replace(QUOTED, '""')) ?? [];
  const [, domain] = /\bheader\.from=([^\s;"]+)/.exec(row) ?? [];
  if (domain === undefined || (result !== 'pass' && result !== 'fail')) return undefined;
  return result === 'pass'
    ? `was checked: it really is from ${domain}`
    : `was checked: nothing proves that it is from ${domain}`;
}
