/** What a command prints: JSON for programs, tables and sentences for people. */
import { BadCommand, Refused } from '../errors.ts';

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

/** Text cut to so many characters. */
export function short(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}

/** Control characters, and those that change the direction of writing. */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** What strangers wrote, so that it can't command the terminal. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ');
}

/** Columns under their heads; `nothing` when there are no rows. What strangers wrote (a subject, a name) can't command the terminal. */
export function table(heads: readonly string[], texts: readonly (readonly string[])[], nothing: string): string {
  if (texts.length === 0) return nothing;
  const rows = texts.map((cells) => cells.map(oneLine));
  const widths = heads.map((head, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]!.length), head.length),
  );
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
  const { code, text } = told(error);
  if (options.json === true) process.stderr.write(`${JSON.stringify({ error: { code, text } })}\n`);
  else process.stderr.write(`rainmail: ${text}\n  (${code})\n`);
}

function told(error: unknown): { readonly code: string; readonly text: string } {
  if (error instanceof Refused) return { code: error.code, text: error.message };
  if (error instanceof BadCommand) return { code: 'command', text: error.message };
  return { code: 'internal', text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
