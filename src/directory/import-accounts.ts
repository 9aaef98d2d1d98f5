/**
 * Accounts from a file of people (people/file.ts): CSV, or what another server kept. Each row is whole or not at all; rows that can't be
 * taken are reported and the others go in. Who is there already is counted and left alone, or brought up to date if that is asked for: so a file
 * may be corrected and imported again, and an import that was interrupted goes on where it was.
 *
 * What it costs is Argon2, where the file has passwords: about 15 ms of a core for each account, two at a time, so 10,000 accounts take one to
 * two minutes. Hashes cost nothing. Sign-ins go on meanwhile.
 */
import { Refused } from '../errors.ts';
import { canonicalName } from './address.ts';
import type { Taken } from './changes/accounts.ts';
import type { DirectoryChanges } from './changes/directory-changes.ts';
import { type PeopleFile, peopleOf, rowsOf } from './people/file.ts';
import type { FilePerson, FileRow } from './people/person.ts';

/** Rows worked on at a time: some hash, some wait for the disk. */
const IN_FLIGHT = 4;
/** Problems told one by one; the others are only counted. */
const PROBLEMS_LIMIT = 1_000;

export interface ImportProblem {
  /** Where the row ends in the file, from 1. */
  readonly line: number;
  /** As it stands in the row; empty when the row could not be read. */
  readonly address: string;
  /** What is wrong and what to do. Never holds a password or a hash. */
  readonly text: string;
}

export interface ImportReport {
  readonly added: number;
  readonly updated: number;
  /** Left alone: the account is there. */
  readonly there: number;
  /** No people: accounts of the system itself. */
  readonly skipped: number;
  readonly refused: number;
  /** In order of line; the first thousand. */
  readonly problems: readonly ImportProblem[];
  /** Columns that were not read. */
  readonly unknownColumns: readonly string[];
  /** It was stopped before the end. */
  readonly interrupted: boolean;
}

export interface ImportOptions {
  /** Brings accounts that are there up to date. */
  readonly update?: boolean;
  /** Only tries: nothing is kept. */
  readonly check?: boolean;
  /** Is told after each row how many are done, and how many there may be. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Imports accounts; domains and groups are made as needed.
 * @throws Refused `store.*` when the store takes no changes
 */
export async function importAccounts(
  directory: DirectoryChanges,
  file: PeopleFile,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const run = new ImportRun(directory, options, rowsOf(file.text));
  await run.takeAll(peopleOf(file, (columns) => run.unknownColumns.push(...columns)));
  return run.report();
}

class ImportRun {
  readonly unknownColumns: string[] = [];
  readonly #directory: DirectoryChanges;
  readonly #options: ImportOptions;
  readonly #total: number;
  readonly #inFlight = new Set<Promise<void>>();
  /** Addresses of the rows so far: the same address twice would be two people. */
  readonly #names = new Set<string>();
  readonly #problems: ImportProblem[] = [];
  readonly #counts = { added: 0, updated: 0, there: 0, skipped: 0, refused: 0 };
  #done = 0;
  #interrupted = false;
  /** Why the import can't go on. */
  #failure: unknown;

  constructor(directory: DirectoryChanges, options: ImportOptions, total: number) {
    this.#directory = directory;
    this.#options = options;
    this.#total = total;
  }

  async takeAll(rows: AsyncIterable<FileRow>): Promise<void> {
    for await (const row of rows) {
      if (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight);
      this.#interrupted = this.#options.signal?.aborted ?? false;
      if (this.#failure !== undefined || this.#interrupted) break;
      this.#take(row);
    }
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure;
  }

  report(): ImportReport {
    const problems = this.#problems.sort((a, b) => a.line - b.line);
    return { ...this.#counts, problems, unknownColumns: this.unknownColumns, interrupted: this.#interrupted };
  }

  #take(row: FileRow): void {
    const { line, address } = row;
    if ('skipped' in row) this.#count('skipped');
    else if ('problem' in row) this.#problem({ line, address, text: row.problem });
    else this.#begin(row.person, line, address);
  }

  #begin(person: FilePerson, line: number, address: string): void {
    const name = canonicalName(person.address);
    if (this.#names.has(name)) {
      this.#problem({ line, address, text: 'The address stands twice in the file; the first row counts.' });
      return;
    }
    this.#names.add(name);
    const { update = false, check = false } = this.#options;
    const taking = this.#directory.accounts
      .takePerson(person, { update, check })
      .then(
        (taken) => this.#count(taken),
        (error: unknown) => {
          if (error instanceof Refused && error.code.startsWith('directory.')) {
            this.#problem({ line, address, text: error.message });
          } else this.#failure ??= error;
        },
      )
      .finally(() => this.#inFlight.delete(taking));
    this.#inFlight.add(taking);
  }

  #problem(problem: ImportProblem): void {
    if (this.#problems.length < PROBLEMS_LIMIT) this.#problems.push(problem);
    this.#count('refused');
  }

  #count(what: Taken | 'skipped' | 'refused'): void {
    this.#counts[what] += 1;
    this.#options.progress?.(++this.#done, this.#total);
  }
}
