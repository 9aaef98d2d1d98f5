/**
 * The base subject (RFC 5256 2.1): a subject without "Re:", "Fwd:", "[list]" and "(fwd)", for SORT and THREAD.
 *
 * Linear in the length of the subject: the positions only move inwards.
 */

/** `re` or `fw` or `fwd`, then `:`, perhaps with a blob between (RFC 5256 5 subj-refwd). */
const REFWD = /(?:re|fwd?)[ ]*(?:\[[^[\]]*\][ ]*)?:/iy;
const BLOB = /\[[^[\]]*\][ ]*/y;
const FWD_HEADER = /\[fwd:/iy;
const FWD_TRAILER = '(fwd)';

/** @param subject decoded (RFC 2047) @returns the base subject in upper case: empty when nothing is left */
export function baseSubject(subject: string): string {
  const text = subject.replace(/[ \t\r\n]+/g, ' '); // (1)
  let from = 0;
  let to = text.length;
  for (;;) {
    to = withoutTrailers(text, from, to); // (2)
    from = withoutLeaders(text, from, to); // (3) to (5)
    if (!matches(FWD_HEADER, text, from, to) || text[to - 1] !== ']') break; // (6)
    from = FWD_HEADER.lastIndex;
    to--;
  }
  return text.slice(from, to).toUpperCase();
}

function withoutTrailers(text: string, from: number, end: number): number {
  let to = end;
  for (;;) {
    if (to > from && text[to - 1] === ' ') to--;
    else if (to - from >= FWD_TRAILER.length && text.slice(to - FWD_TRAILER.length, to).toLowerCase() === FWD_TRAILER)
      to -= FWD_TRAILER.length;
    else return to;
  }
}

function withoutLeaders(text: string, start: number, to: number): number {
  let from = start;
  for (;;) {
    while (from < to && text[from] === ' ') from++;
    let afterBlobs = from;
    let lastBlob = from;
    while (matches(BLOB, text, afterBlobs, to)) {
      lastBlob = afterBlobs;
      afterBlobs = BLOB.lastIndex;
    }
    if (matches(REFWD, text, afterBlobs, to)) from = REFWD.lastIndex;
    // (4) A blob goes only if something is left without it.
    else if (afterBlobs === from) return from;
    else return afterBlobs < to ? afterBlobs : lastBlob;
  }
}

function matches(pattern: RegExp, text: string, at: number, to: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text) && pattern.lastIndex <= to;
}
