/**
 * Flags of a message: a bit for each system flag and common keyword, names for the rest (store.md, "Flags").
 * Keywords are matched without regard to case (RFC 9051 2.3.2) and keep the case they were first given in.
 */

/** System flags (RFC 9051 2.3.2) and registered keywords, by bit. */
export const FLAG_BITS: readonly (readonly [name: string, bit: number])[] = [
  ['\\Seen', 1],
  ['\\Answered', 2],
  ['\\Flagged', 4],
  ['\\Deleted', 8],
  ['\\Draft', 16],
  ['$Forwarded', 32],
  ['$MDNSent', 64],
  ['$Junk', 128],
  ['$NotJunk', 256],
  ['$Phishing', 512],
  ['$Important', 1024],
  ['$Submitted', 2048],
];

export const SEEN = 1;
export const DELETED = 8;
export const DRAFT = 16;

/** Keywords a message may carry beyond those with a bit: a bound, not a wish. */
export const MAX_KEYWORDS = 100;

export interface Flags {
  readonly bits: number;
  /** Keywords without a bit, in the case they were given, sorted; usually empty. */
  readonly keywords: readonly string[];
}

export const NO_FLAGS: Flags = { bits: 0, keywords: [] };

const bitByName = new Map(FLAG_BITS.map(([name, bit]) => [name.toLowerCase(), bit]));

/** Flags from their names as a client gives them. `\Recent` is ignored: only the server sets it (RFC 3501 2.3.2). */
export function flagsFrom(names: Iterable<string>): Flags {
  let bits = 0;
  let keywords: Map<string, string> | undefined;
  for (const name of names) {
    const key = name.toLowerCase();
    const bit = bitByName.get(key);
    if (bit !== undefined) bits |= bit;
    else if (key !== '\\recent') {
      keywords ??= new Map();
      if (!keywords.has(key)) keywords.set(key, name);
    }
  }
  return keywords === undefined ? { bits, keywords: [] } : { bits, keywords: [...keywords.values()].sort() };
}

/** The names of flags, system flags first. */
export function flagNames(flags: Flags): string[] {
  const names: string[] = [];
  for (const [name, bit] of FLAG_BITS) if ((flags.bits & bit) !== 0) names.push(name);
  names.push(...flags.keywords);
  return names;
}

export interface FlagChange {
  readonly how: 'set' | 'add' | 'remove';
  readonly flags: Flags;
}

/** What flags become by a change. */
export function changeFlags(old: Flags, { how, flags }: FlagChange): Flags {
  if (how === 'set') return flags;
  const lower = new Set(flags.keywords.map((name) => name.toLowerCase()));
  if (how === 'remove') {
    return {
      bits: old.bits & ~flags.bits,
      keywords: lower.size === 0 ? old.keywords : old.keywords.filter((name) => !lower.has(name.toLowerCase())),
    };
  }
  const had = new Set(old.keywords.map((name) => name.toLowerCase()));
  const added = flags.keywords.filter((name) => !had.has(name.toLowerCase()));
  return {
    bits: old.bits | flags.bits,
    keywords: added.length === 0 ? old.keywords : [...old.keywords, ...added].sort(),
  };
}

/** True when both are the same set of flags. */
export function sameFlags(a: Flags, b: Flags): boolean {
  if (a.bits !== b.bits || a.keywords.length !== b.keywords.length) return false;
  const names = new Set(a.keywords.map((name) => name.toLowerCase()));
  return b.keywords.every((name) => names.has(name.toLowerCase()));
}
