/**
 * Accounts from a CSV file (RFC 4180): address, password, name, group; the last two may be missing. A first line with column names may
 * put them in another order. Each row is whole or not at all; rows that can't be taken are reported and the others go in, so a
 * file may be corrected and imported again: who is there already is reported and left alone.
 *
 * What it costs is Argon2: about 15 ms of a core for each account, two at a time, so 10,000 accounts take one to two minutes. Sign-ins
 * go on meanwhile.
 */
import { pipeline } from 'node:stream/promises';
import { type CsvError, type Info, parse } from 'csv-parse';
import { Refused } from '../errors.ts';
import { canonicalName } from './address.ts';
import type { DirectoryChanges } from './changes.ts';

/** Rows worked on at a time: some hash, some wait for the disk. */
const IN_FLIGHT = 4;
const ROW_LIMIT_BYTES = 10_000;
/** Problems told one by one; the others are only counted. */
const PROBLEMS_LIMIT = 1_000;

export interface ImportProblem {
  /** Where the row ends in the file, from 1. */
  readonly line: number;
  /** As it stands in the row; empty when the row could not be read. */
  readonly address: string;
  /** What is wrong and what to do. Never holds a password. */
  readonly text: string;
}

export interface ImportReport {
  readonly added: number;
  readonly refused: number;
  /** In order of line; the first thousand. */
  readonly problems: readonly ImportProblem[];
}

type Column = 'address' | 'password' | 'name' | 'group';
const COLUMNS: readonly Column[] = ['address', 'password', 'name', 'group'];

/**
 * Imports accounts; domains and groups are made as needed.
 * @param file  UTF-8, with or without a byte order mark
 * @param progress  is told after each row how many are done
 * @throws Refused `directory.invalid` when the file is not UTF-8 (rows before that are in), `store.*` when the store takes no changes
 */
export async function importAccounts(
  directory: DirectoryChanges,
  file: AsyncIterable<Uint8Array>,
  progress: (done: number) => void = () => {},
): Promise<ImportReport> {
  const run = new ImportRun(directory, progress);
  const parser = parse({
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: ROW_LIMIT_BYTES,
    skip_records_with_error: true,
    on_skip: (error) => run.unreadable(error),
  });
  await pipeline(decoded(file), parser, (rows: AsyncIterable<ParsedRow>) => run.takeAll(rows));
  return run.report();
}

interface ParsedRow {
  readonly record: readonly string[];
  readonly info: Info;
}

class ImportRun {
  readonly #directory: DirectoryChanges;
  readonly #progress: (done: number) => void;
  readonly #inFlight = new Set<Promise<void>>();
  /** Addresses of the rows in flight: the same address twice in a row would race for the name. */
  readonly #names = new Set<string>();
  readonly #problems: ImportProblem[] = [];
  #columns: readonly string[] | undefined;
  #added = 0;
  #refused = 0;
  /** Why the import can't go on. */
  #failure: unknown;

  constructor(directory: DirectoryChanges, progress: (done: number) => void) {
    this.#directory = directory;
    this.#progress = progress;
  }

  async takeAll(rows: AsyncIterable<ParsedRow>): Promise<void> {
    for await (const { record, info } of rows) {
      if (this.#columns === undefined) {
        const names = record.map((name) => name.trim().toLowerCase());
        const isHeader = names.includes('address') && names.includes('password');
        this.#columns = isHeader ? names : COLUMNS;
        if (isHeader) continue;
      }
      if (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight);
      if (this.#failure !== undefined) break;
      this.#begin(record, info.lines);
    }
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
  }

  unreadable(error: CsvError | undefined): undefined {
    const line = typeof error?.['lines'] === 'number' ? error['lines'] : 0;
    const text =
      error?.code === 'CSV_MAX_RECORD_SIZE'
        ? `The row is longer than ${ROW_LIMIT_BYTES} bytes. Is a quote missing?`
        : 'The quotes are wrong: a field that holds a quote is quoted as a whole, and each quote within is doubled.';
    this.#problem({ line, address: '', text });
  }

  report(): ImportReport {
    const problems = this.#problems.sort((a, b) => a.line - b.line);
    return { added: this.#added, refused: this.#refused, problems };
  }

  #begin(record: readonly string[], line: number): void {
    const field = (column: Column) => record[this.#columns!.indexOf(column)] ?? '';
    const address = field('address').trim();
    const name = canonicalName(address);
    if (this.#names.has(name)) {
      this.#problem({ line, address, text: 'The address stands twice in the file; the first row counts.' });
      return;
    }
    this.#names.add(name);
    const groups = [field('group').trim()].filter((group) => group !== '');
    const request = { address, password: field('password'), displayName: field('name'), groups, makeDomain: true };
    const row = this.#directory
      .addAccount(request)
      .then(
        () => {
          this.#added += 1;
          this.#progress(this.#added + this.#refused);
        },
        (error: unknown) => {
          if (error instanceof Refused && error.code.startsWith('directory.')) {
            this.#problem({ line, address, text: error.message });
          } else this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#names.delete(name);
        this.#inFlight.delete(row);
      });
    this.#inFlight.add(row);
  }

  #problem(problem: ImportProblem): void {
    this.#refused += 1;
    if (this.#problems.length < PROBLEMS_LIMIT) this.#problems.push(problem);
    this.#progress(this.#added + this.#refused);
  }
}

/** The file as text. What is not UTF-8 is refused: names in the wrong characters would go unseen for long. */
async function* decoded(file: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of file) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Refused('directory.invalid', 'The file is not UTF-8. Save it as "CSV UTF-8" and import it again.', {
      cause,
    });
  }
}
