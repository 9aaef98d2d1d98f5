/** What a command prints: JSON for programs, tables and sentences for people. */
import { Refused } from '../errors.ts';

export interface OutputOptions {
  readonly json?: boolean | undefined;
}

/** Prints a result: as one JSON value with --json, else as `text` says it. */
export function print<T>(result: T, options: OutputOptions, text: (result: T) => string): void {
  const out = options.json === true ? JSON.stringify(result, null, 2) : text(result);
  if (out !== '') process.stdout.write(`${out}\n`);
}

/** A number with its noun: `1 account`, `2 accounts`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Columns under their heads; `nothing` when there are no rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[], nothing: string): string {
  if (rows.length === 0) return nothing;
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [heads, ...rows].map(line).join('\n');
}

/** Exit codes: 0 done, 1 refused or failed, 2 not understood. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** Prints an error with its stable code, for people or as JSON. */
export function printError(error: unknown, options: OutputOptions): void {
  const code = error instanceof Refused ? error.code : 'internal';
  const text =
    error instanceof Refused ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (options.json === true) process.stderr.write(`${JSON.stringify({ error: { code, text } })}\n`);
  else process.stderr.write(`rainmail: ${text}\n  (${code})\n`);
}
