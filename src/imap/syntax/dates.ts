/** Dates as IMAP writes them (RFC 9051 9: date, date-time). */
import { BadCommand } from '../../errors.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import type { CommandReader } from './reader.ts';
import type { Day } from './types.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/;
const DATE_TIME = /^([ \d]\d|\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

/** `1-Feb-1994`, quoted or not: the start of that day in UTC. */
export function date(reader: CommandReader): Day {
  const text = reader.astring();
  const found = DATE.exec(text);
  if (found === null) throw new BadCommand('a date looks like 1-Feb-1994');
  return day(found[3]!, found[2]!, found[1]!);
}

/** `" 7-Feb-1994 21:52:25 -0800"`. */
export function dateTime(reader: CommandReader): EpochSeconds {
  const found = DATE_TIME.exec(reader.string());
  if (found === null) throw new BadCommand('a date and time look like " 7-Feb-1994 21:52:25 -0800"');
  const [, dayOfMonth, month, year, hours, minutes, seconds, sign, zoneHours, zoneMinutes] = found;
  const [h, m, s, zh, zm] = [Number(hours), Number(minutes), Number(seconds), Number(zoneHours), Number(zoneMinutes)];
  // A leap second is the first of the next minute.
  if (h > 23 || m > 59 || s > 60 || zh > 23 || zm > 59) throw new BadCommand('there is no such time');
  const zone = (zh * 60 + zm) * (sign === '-' ? -60 : 60);
  return day(year!, month!, dayOfMonth!) + h * 3600 + m * 60 + s - zone;
}

function day(year: string, month: string, dayOfMonth: string): Day {
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(dayOfMonth));
  if (monthIndex < 0 || date.getUTCMonth() !== monthIndex) throw new BadCommand('there is no such day');
  return date.getTime() / 1000;
}
