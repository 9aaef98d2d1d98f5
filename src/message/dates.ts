/** Date and time as written in a Date field (RFC 5322 3.3; read in the obsolete syntax of 4.3, too). */
import type { EpochSeconds } from '../store/ids.ts';
import { withoutComments } from './parameters.ts';

export interface WrittenDate {
  readonly at: EpochSeconds;
  /** Days from 1970-01-01 to the date as written, time and zone disregarded (RFC 9051 6.4.4 SENTON). */
  readonly day: number;
}

const DATE =
  /^\s*(?:[a-z]{2,9}\.?\s*,?\s*)?(\d{1,2})\s*[ -]\s*([a-z]{3})[a-z]*\.?\s*[ -]\s*(\d{2,4})\s*,?\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2})(?:\.\d{1,9})?)?(?:\s*([+-])(\d{2}):?(\d{2})|\s*([a-z]{1,5}))?(?:\s|$)/i;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Hours from UTC (RFC 5322 4.3). All other names, military ones too, say nothing and count as UTC. */
const ZONES: Readonly<Record<string, number>> = {
  edt: -4,
  est: -5,
  cdt: -5,
  cst: -6,
  mdt: -6,
  mst: -7,
  pdt: -7,
  pst: -8,
};

/** Longer than any date; keeps hostile ones cheap. */
const MAX_LENGTH = 200;

const DAY_SECONDS = 86_400;

/** Reads a date-time; null when it is no date or none that exists. A year of two digits or three is read as RFC 5322 4.3 says. */
export function readDate(field: string): WrittenDate | null {
  const match = DATE.exec(withoutComments(field.slice(0, MAX_LENGTH)));
  if (match === null) return null;
  const day = Number(match[1]);
  const month = MONTHS.indexOf(match[2]!.toLowerCase());
  const year = fullYear(match[3]!);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6] ?? 0);
  if (month < 0 || year < 1900 || day < 1 || day > daysIn(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 60) return null; // 60: a leap second

  const days = Date.UTC(year, month, day) / 1000 / DAY_SECONDS;
  const offset = match[7] === undefined ? (ZONES[match[10]?.toLowerCase() ?? ''] ?? 0) * 60 : zoneMinutes(match);
  if (offset === null) return null;
  return { at: days * DAY_SECONDS + hour * 3600 + (minute - offset) * 60 + second, day: days };
}

/** The moment a Date field names, or null. */
export function parseDate(field: string): EpochSeconds | null {
  return readDate(field)?.at ?? null;
}

/** A moment as it is written, in UTC. */
export function writeDate(at: EpochSeconds): string {
  return new Date(at * 1_000).toUTCString().replace('GMT', '+0000');
}

function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  return digits.length === 3 || year >= 50 ? year + 1900 : year + 2000; // RFC 5322 4.3
}

function zoneMinutes(match: RegExpExecArray): number | null {
  const minutes = Number(match[9]);
  if (minutes > 59) return null;
  const offset = Number(match[8]) * 60 + minutes;
  return match[7] === '-' ? -offset : offset;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}
