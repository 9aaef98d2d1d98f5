/** Flags from files, which may hold anything: only what IMAP can show becomes a flag of a message. Pure. */
import { type Flags, flagsFrom, MAX_KEYWORDS } from '../store/flags.ts';

/** True for what may be a keyword in IMAP: an atom (RFC 9051 9), not a system flag. */
export function isKeyword(text: string): boolean {
  return /^[^\x00-\x20\x7f-\uffff(){%*"\\\]]{1,100}$/.test(text);
}

/** Flags by their names; what can't be one is left out. */
export function flagsOf(names: readonly string[]): Flags {
  const { bits, keywords } = flagsFrom(names);
  return { bits, keywords: keywords.filter(isKeyword).slice(0, MAX_KEYWORDS) };
}
