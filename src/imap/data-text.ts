/**
 * The text of message data that comes straight from a mailbox's view: flags and dates. Hot: a FETCH of 10,000 flags
 * is little else, so what repeats is kept.
 */
import { FLAG_BITS } from '../store/flags.ts';
import type { EpochSeconds } from '../store/ids.ts';

const ALL_BITS = FLAG_BITS.reduce((all, [, bit]) => all | bit, 0);

/** Names of a set of flag bits, separated by spaces, by bits. Bounded: one entry for each combination of {@link FLAG_BITS}. */
const namesByBits: string[] = [];

function bitNames(bits: number): string {
  let names = namesByBits[bits];
  if (names === undefined) {
    names = FLAG_BITS.filter(([, bit]) => (bits & bit) !== 0)
      .map(([name]) => name)
      .join(' ');
    namesByBits[bits] = names;
  }
  return names;
}

/** `(\Seen $Forwarded receipt)`: the parenthesised list of FETCH FLAGS. `\Recent` is RFC 3501's alone. */
export function flagList(bits: number, keywords: readonly string[], recent: boolean): string {
  let names = bitNames(bits & ALL_BITS);
  if (keywords.length > 0) names += (names === '' ? '' : ' ') + keywords.join(' ');
  if (recent) names += names === '' ? '\\Recent' : ' \\Recent';
  return `(${names})`;
}

const COMMON_FLAGS = bitNames(ALL_BITS);

/** The flags in use in a mailbox and those a client may set (RFC 9051 7.3.5 FLAGS, 7.1 PERMANENTFLAGS). */
export function mailboxFlagLines(keywords: readonly string[], readOnly: boolean): string {
  const flags = keywords.length === 0 ? COMMON_FLAGS : `${COMMON_FLAGS} ${keywords.join(' ')}`;
  const permanent = readOnly ? '' : `${flags} \\*`;
  return `* FLAGS (${flags})\r\n* OK [PERMANENTFLAGS (${permanent})] Flags that are kept\r\n`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

const DAY = 86_400;
const MAX_DAYS_KEPT = 4_096;
const dayTexts = new Map<number, string>();

function dayText(day: number): string {
  let text = dayTexts.get(day);
  if (text === undefined) {
    const date = new Date(day * DAY * 1_000);
    const year = String(date.getUTCFullYear()).padStart(4, '0');
    text = `"${String(date.getUTCDate()).padStart(2)}-${MONTHS[date.getUTCMonth()]}-${year} `;
    if (dayTexts.size === MAX_DAYS_KEPT) dayTexts.clear();
    dayTexts.set(day, text);
  }
  return text;
}

/** `"17-Jul-1996 02:44:25 +0000"`: the quoted date-time of RFC 9051 9, always in UTC, the day padded with a space. */
export function dateTime(seconds: EpochSeconds): string {
  const day = Math.floor(seconds / DAY);
  const time = seconds - day * DAY;
  const hours = Math.floor(time / 3_600);
  const minutes = Math.floor((time % 3_600) / 60);
  return `${dayText(day)}${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes]}:${TWO_DIGITS[time % 60]} +0000"`;
}
