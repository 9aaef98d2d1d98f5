/**
 * `rainmail __complete KIND [PREFIX] [--data DIR]`: names of the office, one a line, for the scripts of completion.
 *
 * Somebody waits with a finger on the Tab key: it reads the database beside a running server, without asking it, and says nothing when
 * there is none or it may not be read.
 */
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import type { NameKind } from './tree.ts';

/** More help nobody. */
const MOST_NAMES = 500;

const ACCOUNTS = "SELECT name FROM account WHERE state <> 'removed'";
const ALIASES = 'SELECT address AS name FROM alias';
const SOURCES: Readonly<Record<NameKind, string>> = {
  account: ACCOUNTS,
  alias: ALIASES,
  address: `${ACCOUNTS} UNION ${ALIASES} UNION SELECT address AS name FROM person_group WHERE address IS NOT NULL`,
  domain: 'SELECT name FROM domain',
  group: 'SELECT name FROM person_group',
  // Where mail waits to go; a route by its host and port.
  destination: `SELECT DISTINCT CASE WHEN destination LIKE 'route:%' THEN substr(destination, 7) ELSE destination END AS name
    FROM queue_recipient`,
};

/** @returns what to print: nothing, whatever goes wrong */
export function completeNames(args: readonly string[]): string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { data: { type: 'string' } },
      allowPositionals: true,
    });
    const [kind = '', prefix = ''] = positionals;
    const source = SOURCES[kind as NameKind];
    if (source === undefined) return '';
    const data = resolve(values.data || process.env['RAINMAIL_DATA'] || 'data');
    using database = new DatabaseSync(join(data, 'mail.db'), { readOnly: true });
    const names = database
      .prepare(`SELECT name FROM (${source}) AS named WHERE substr(name, 1, ?) = ? ORDER BY name LIMIT ?`)
      .all(prefix.length, prefix, MOST_NAMES);
    return names.map(({ name }) => `${name}\n`).join('');
  } catch {
    return ''; // no office, or not ours to read: there is nothing to complete
  }
}
