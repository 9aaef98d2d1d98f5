/** What happens to files: bits flip, stretches are lost, ends are cut off, names vanish. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Random } from '../crash/random.ts';

export interface Damage {
  /** Below the data directory. */
  readonly file: string;
  readonly how: string;
}

/** How often each kind of file is chosen, where there is one. The first pattern that fits counts. */
const WEIGHTS: readonly (readonly [pattern: RegExp, weight: number])[] = [
  [/^mail\.db$/, 10],
  [/^mail\.db-wal$/, 4],
  [/^segments\//, 5],
  [/^lock\.db$/, 1],
  [/^.*$/, 1],
];

const STRETCH = [16, 512, 4_096, 20_000] as const;

/** Does one thing to one file. */
export function damage(directory: string, random: Random): Damage {
  const file = chooseFile(directory, random);
  const path = join(directory, file);
  const bytes = readFileSync(path);
  const lot = bytes.length === 0 ? 0 : random.next();
  if (lot < 0.06) {
    rmSync(path);
    return { file, how: 'removed' };
  }
  const at = random.between(0, bytes.length - 1);
  if (lot < 0.18) {
    truncateSync(path, at);
    return { file, how: `cut off at ${at} of ${bytes.length}` };
  }
  if (lot < 0.3) {
    const length = Math.min(random.pick(STRETCH), bytes.length - at);
    const fill = random.between(0, 255);
    bytes.fill(fill, at, at + length);
    writeFileSync(path, bytes);
    return { file, how: `${length} bytes at ${at} are ${fill}` };
  }
  const flips = random.chance(0.7) ? 1 : random.between(2, 8);
  const places: string[] = [];
  for (let flip = 0; flip < flips; flip++) {
    const place = flip === 0 ? at : random.between(0, bytes.length - 1);
    const bit = random.between(0, 7);
    bytes[place]! ^= 1 << bit;
    places.push(`${place}.${bit}`);
  }
  writeFileSync(path, bytes);
  return { file, how: `flipped ${places.join(', ')}` };
}

/** A kind of file first, so that many segments do not hide the database; then one of the kind. */
function chooseFile(directory: string, random: Random): string {
  const files = readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
  const kinds = WEIGHTS.flatMap(([pattern, weight]) => {
    const members = files.filter((file) => WEIGHTS.find(([other]) => other.test(file))![0] === pattern);
    return members.length === 0 ? [] : Array.from({ length: weight }, () => members);
  });
  return random.pick(random.pick(kinds));
}
