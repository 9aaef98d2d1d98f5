/** Patterns of LIST (RFC 9051 6.3.9): `*` stands for anything, `%` for anything without the separator `/`. */

/**
 * True when the whole path matches. INBOX, alone or as the first part, matches in any case (RFC 9051 5.1).
 *
 * Never looks back further than the last wildcard of each kind: a `*` takes as little as it can, and what a `%` could take
 * otherwise lies within one part. So the time is at most the product of the lengths, and mostly their sum.
 */
export function matchesPattern(path: string, pattern: string): boolean {
  const folded = /^INBOX(\/|$)/.test(path) ? 5 : 0;
  let at = 0;
  let patternAt = 0;
  let star = -1;
  let starAt = 0;
  let percent = -1;
  let percentAt = 0;
  while (at < path.length || patternAt < pattern.length) {
    const sign = pattern[patternAt];
    if (sign === '*') {
      star = patternAt++;
      starAt = at;
      percent = -1;
    } else if (sign === '%') {
      percent = patternAt++;
      percentAt = at;
    } else if (at < path.length && sign !== undefined && same(path[at]!, sign, at < folded)) {
      at++;
      patternAt++;
    } else if (percent >= 0 && percentAt < path.length && path[percentAt] !== '/') {
      at = ++percentAt;
      patternAt = percent + 1;
    } else if (star >= 0 && starAt < path.length) {
      at = ++starAt;
      patternAt = star + 1;
      percent = -1;
    } else return false;
  }
  return true;
}

function same(a: string, b: string, folded: boolean): boolean {
  return a === b || (folded && a === b.toUpperCase());
}
