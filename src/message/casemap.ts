/** Comparing text without regard to case. */

/**
 * A form in which texts that differ only in case, or in how their characters are composed, are the same, in the manner of
 * i;unicode-casemap (RFC 5051): compatibility decomposition (NFKD), then upper case. Upper rather than lower: it makes one of
 * the two Greek sigmas, and of `ß` and `ss`. A substring of the form is what SEARCH calls a match (RFC 9051 6.4.4).
 */
export function foldCase(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? text.normalize('NFKD').toUpperCase() : text.toUpperCase();
}
