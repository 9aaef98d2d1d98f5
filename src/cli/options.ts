/** Options that most commands share. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseMoment, parseSize } from '../config/units.ts';

export interface CommonOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** A command that works on a data directory, with an example in its help. */
export function officeCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .addOption(dataOption())
    .option('--json', 'print the result as JSON')
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** `--data DIR`: the data directory, else RAINMAIL_DATA, else ./data. */
function dataOption(): Option {
  return new Option('--data <dir>', 'data directory of the office')
    .env('RAINMAIL_DATA')
    .default(resolve('data'), './data')
    .argParser((path) => resolve(path || 'data')); // RAINMAIL_DATA may be empty
}

/** A sender of an envelope, with or without its angle brackets; `<>` for the one that has no name. */
export function reversePath(text: string): string {
  return text.trim().replace(/^<(.*)>$/, '$1') || '<>';
}

/** Seconds since 1970 of a moment in the past, such as `2d`. */
export function pastMoment(text: string): number {
  const moment = parseMoment(text, Date.now());
  if (moment === undefined) throw new InvalidArgumentError('Write it like 2d, 2026-11-20 or "2026-11-20 14:30".');
  return Math.max(0, Math.floor(moment / 1_000));
}

/** Reads the same as the end of a time: of a day, its last second. */
export function lastMoment(text: string): number {
  return pastMoment(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text} 23:59:59` : text);
}

/** Reads a whole number from `least` to `most`. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    }
    return number;
  };
}

/** Bytes of a quota such as `5GB`; null for `unlimited`. */
export function quotaSize(text: string): number | null {
  if (text === 'unlimited') return null;
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0) throw new InvalidArgumentError('Write it like 5GB, or unlimited.');
  return bytes;
}
