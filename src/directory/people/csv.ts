/**
 * People from CSV (RFC 4180). Without a first line of column names: address, password, name, group. With one, in any order: address, password or
 * hash, name, quota, groups, aliases, state. Several groups or aliases stand in one field, with semicolons between them.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type CsvError, type Info, parse } from 'csv-parse';
import { parseSize } from '../../config/units.ts';
import { Refused } from '../../errors.ts';
import type { AccountState } from '../types.ts';
import { type FilePerson, type FileRow, row, secretOf, withDomain } from './person.ts';

const ROW_LIMIT_BYTES = 10_000;
/** Characters parsed in one go. */
const PIECE = 16_384;

const PLAIN_ORDER = ['address', 'password', 'name', 'group'];
const KNOWN = [...PLAIN_ORDER, 'hash', 'quota', 'groups', 'aliases', 'alias', 'state'];
const STATES: readonly AccountState[] = ['active', 'suspended', 'closed'];

interface ParsedRow {
  readonly record: readonly string[];
  readonly info: Info;
}

/** @param unknown  hears of columns that are not read */
export async function* peopleFromCsv(
  text: string,
  domain: string | undefined,
  unknown: (columns: readonly string[]) => void,
): AsyncGenerator<FileRow> {
  const unreadable: FileRow[] = [];
  const parser = parse({
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: ROW_LIMIT_BYTES,
    skip_records_with_error: true,
    on_skip: (error) => {
      unreadable.push(unreadableRow(error));
      return undefined;
    },
  });
  // Its errors come out of the parser, too; that nobody reads to the end is none.
  pipeline(Readable.from(pieces(text)), parser).catch(() => {});
  let columns: readonly string[] | undefined;
  for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
    yield* unreadable.splice(0);
    if (columns === undefined) {
      const names = record.map((name) => name.trim().toLowerCase());
      const isHeader = names.includes('address') && names.some((name) => KNOWN.includes(name) && name !== 'address');
      columns = isHeader ? names : PLAIN_ORDER;
      if (isHeader) {
        unknown(names.filter((name) => name !== '' && !KNOWN.includes(name)));
        continue;
      }
    }
    const field = (name: string) => record[columns!.indexOf(name)] ?? '';
    yield row(info.lines, field('address').trim(), () => personOf(field, domain));
  }
  yield* unreadable;
}

function* pieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; start += PIECE) yield text.slice(start, start + PIECE);
}

function personOf(field: (name: string) => string, domain: string | undefined): FilePerson {
  const [password, hash] = [field('password'), field('hash').trim()];
  if (password !== '' && hash !== '') throw invalid('The row has a password and a hash: which one is right?');
  const state = field('state').trim().toLowerCase();
  if (state !== '' && !STATES.includes(state as AccountState)) {
    throw invalid(`The state is one of ${STATES.join(', ')}, or left out.`);
  }
  const name = field('name').trim();
  return {
    address: withDomain(field('address').trim(), domain),
    secret: password === '' ? secretOf(hash) : { kind: 'password', password },
    ...(name === '' ? {} : { displayName: name }),
    ...quotaOf(field('quota').trim().toLowerCase()),
    ...(state === '' ? {} : { state: state as AccountState }),
    groups: [...list(field('group'), undefined), ...list(field('groups'), ';')],
    aliases: [...list(field('alias'), ';'), ...list(field('aliases'), ';')].map((alias) => withDomain(alias, domain)),
  };
}

function quotaOf(text: string): { quotaBytes?: number | null } {
  if (text === '') return {};
  if (text === 'none' || text === 'unlimited') return { quotaBytes: null };
  const quotaBytes = parseSize(text);
  if (quotaBytes === undefined) throw invalid('The quota is no size. It is written like 2GB, or none.');
  return { quotaBytes };
}

function list(field: string, separator: string | undefined): string[] {
  const items = separator === undefined ? [field] : field.split(separator);
  return items.map((item) => item.trim()).filter((item) => item !== '');
}

function unreadableRow(error: CsvError | undefined): FileRow {
  const line = typeof error?.['lines'] === 'number' ? error['lines'] : 0;
  const problem =
    error?.code === 'CSV_MAX_RECORD_SIZE'
      ? `The row is longer than ${ROW_LIMIT_BYTES} bytes. Is a quote missing?`
      : 'The quotes are wrong: a field that holds a quote is quoted as a whole, and each quote within is doubled.';
  return { line, address: '', problem };
}

function invalid(text: string): Refused {
  return new Refused('directory.invalid', text);
}
