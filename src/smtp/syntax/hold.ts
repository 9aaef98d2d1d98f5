/** How long a submitted message is to wait before it leaves: the parameters of RFC 4865. Pure. */
import { BadCommand } from '../../errors.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import type { Parameters } from './command.ts';

/** RFC 4865 5: up to nine digits. */
const SECONDS = /^[1-9]\d{0,8}$/;
/** RFC 3339 5.6 */
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

/**
 * When the message may leave; undefined: at once, since nobody asked for more, or the time has come.
 *
 * @param most  seconds that a message may wait
 * @throws BadCommand
 */
export function parseHold(parameters: Parameters, now: EpochSeconds, most: number): EpochSeconds | undefined {
  const [seconds, until] = [parameters.get('HOLDFOR'), parameters.get('HOLDUNTIL')];
  if (seconds === undefined && until === undefined) return undefined;
  if (seconds !== undefined && until !== undefined) throw new BadCommand('HOLDFOR and HOLDUNTIL do not go together');
  const at = seconds === undefined ? momentOf(until!) : now + secondsOf(seconds);
  if (at <= now) return undefined;
  if (at - now > most) throw new BadCommand(`A message may wait for ${most} seconds at most`);
  return at;
}

/** RFC 4865 4: what EHLO says of the longest time, in seconds and as the moment that it is now. */
export function holdKeyword(now: EpochSeconds, most: number): string {
  return `FUTURERELEASE ${most} ${new Date((now + most) * 1_000).toISOString().replace(/\.\d+/, '')}`;
}

function secondsOf(text: string | null): number {
  if (text === null || !SECONDS.test(text))
    throw new BadCommand('HOLDFOR is a number of seconds, of nine digits at most');
  return Number(text);
}

function momentOf(text: string | null): EpochSeconds {
  const moment = text === null || !DATE_TIME.test(text) ? Number.NaN : Date.parse(text);
  if (Number.isNaN(moment)) throw new BadCommand('HOLDUNTIL is a date and time such as 2027-01-31T08:00:00Z');
  return Math.ceil(moment / 1_000);
}
