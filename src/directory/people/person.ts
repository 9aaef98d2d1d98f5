/** People as a file tells of them, whatever its format. */
import type { ImportedSecret } from '../../auth/foreign/hashes.ts';
import { readSecret } from '../../auth/foreign/hashes.ts';
import { Refused } from '../../errors.ts';
import type { AccountState } from '../types.ts';

export interface FilePerson {
  /** As it stands in the file, with a domain. */
  readonly address: string;
  /** Null: the file has none. Enough to bring an account up to date, not to make one. */
  readonly secret: ImportedSecret | null;
  readonly displayName?: string;
  /** Null: no limit. */
  readonly quotaBytes?: number | null;
  readonly state?: AccountState;
  /** Made where they are missing. */
  readonly groups: readonly string[];
  readonly aliases: readonly string[];
}

/** A row of a file: a person, or why it is none. */
export type FileRow = {
  /** Where the row ends, from 1. */
  readonly line: number;
  /** As it stands in the row; empty when it could not be read. */
  readonly address: string;
} & (
  | { readonly person: FilePerson }
  /** What is wrong and what to do. Never holds a password or a hash. */
  | { readonly problem: string }
  /** No person at all, such as a system's own accounts. */
  | { readonly skipped: true }
);

/** A row as it is read: null is no person, and a rule that refuses it says the problem. */
export function row(line: number, address: string, read: () => FilePerson | null): FileRow {
  try {
    const person = read();
    return person === null ? { line, address, skipped: true } : { line, address, person };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { line, address, problem: error.message };
  }
}

/** @throws Refused where it can't be checked here */
export function secretOf(field: string): ImportedSecret | null {
  return field === '' ? null : readSecret(field);
}

/** A name with the domain of the office, where it has none of its own. @throws Refused when there is none to give */
export function withDomain(name: string, domain: string | undefined): string {
  if (name.includes('@')) return name;
  if (domain === undefined) {
    throw new Refused('directory.invalid', 'The name has no domain. Say which it is in: --domain example.org.');
  }
  return `${name}@${domain}`;
}
