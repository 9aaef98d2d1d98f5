/**
 * The name of a file in a Maildir: `UNIQUE,S=SIZE,W=SIZE:2,FLAGS`. The unique part is never given twice, anywhere; what follows may change.
 * Pure.
 */

export interface MaildirName {
  /** Before the first comma or colon: what the message is known by. */
  readonly unique: string;
  /** Before the flags: what Dovecot and Courier list it by. */
  readonly base: string;
  /** Letters of its flags. */
  readonly letters: string;
  /** Its line ends are as they were received ({@link EXACT}). */
  readonly exact: boolean;
}

/** Part of the names of our own files whose line ends are as they were received. Others ignore it. */
export const EXACT = ',L=exact';

export function maildirName(file: string): MaildirName {
  // Windows can't have a colon in a name.
  const info = /[:;!]2,/.exec(file);
  const base = info === null ? file : file.slice(0, info.index);
  const comma = base.indexOf(',');
  return {
    unique: comma === -1 ? base : base.slice(0, comma),
    base,
    letters: info === null ? '' : file.slice(info.index + info[0].length),
    exact: base.includes(EXACT),
  };
}

const SYSTEM: readonly (readonly [letter: string, flag: string])[] = [
  ['D', '\\Draft'],
  ['F', '\\Flagged'],
  ['P', '$Forwarded'],
  ['R', '\\Answered'],
  ['S', '\\Seen'],
  ['T', '\\Deleted'],
];

/** How many keywords a folder can have: the letters a to z. */
export const MOST_KEYWORDS = 26;

/** Flags of the letters; small ones are keywords by the folder's list (Dovecot). */
export function flagsOfLetters(letters: string, keywords: readonly (string | undefined)[]): string[] {
  const flags = SYSTEM.flatMap(([letter, flag]) => (letters.includes(letter) ? [flag] : []));
  for (const letter of letters) {
    const keyword = letter >= 'a' && letter <= 'z' ? keywords[letter.charCodeAt(0) - 97] : undefined;
    if (keyword !== undefined && !flags.includes(keyword)) flags.push(keyword);
  }
  return flags;
}

/** Letters of the flags, in order as the format wants it; a keyword has one if the folder's list has it. */
export function lettersOfFlags(flags: readonly string[], keywords: ReadonlyMap<string, number>): string {
  const letters = SYSTEM.flatMap(([letter, flag]) => (flags.includes(flag) ? [letter] : []));
  for (const flag of flags) {
    const index = keywords.get(flag);
    if (index !== undefined) letters.push(String.fromCharCode(97 + index));
  }
  return letters.sort().join('');
}

/** A name begins with the time of delivery: the order of names is the order of arrival. */
export function byDelivery(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : a > b ? 1 : 0);
}
