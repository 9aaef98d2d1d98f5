/** Who moves in, from a CSV file (RFC 4180): account, user, password. The user may be missing (as the account), the password with a master user. */
import { type CsvError, parse } from 'csv-parse/sync';
import { BadCommand } from '../errors.ts';

export interface Person {
  /** Here. */
  readonly account: string;
  /** There. */
  readonly user: string;
  readonly password?: string;
}

/** A first line `account,user,password` is taken for the names of columns. @throws BadCommand, without quoting what may be a password */
export function parsePeople(csv: string): Person[] {
  let rows: string[][];
  try {
    rows = parse(csv, { bom: true, relax_column_count: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new BadCommand(`the list of accounts is not CSV: line ${(error as CsvError)['lines'] ?? '?'}`);
  }
  const people = rows
    .filter(([first], index) => index > 0 || first?.toLowerCase() !== 'account')
    .map(([account = '', user = '', password = '']) => ({
      account,
      user: user === '' ? account : user,
      ...(password === '' ? {} : { password }),
    }));
  if (people.length === 0) throw new BadCommand('the list of accounts is empty');
  const nobody = people.findIndex(({ account }) => account === '');
  if (nobody !== -1) throw new BadCommand(`row ${nobody + 1} of the list names no account`);
  return people;
}
