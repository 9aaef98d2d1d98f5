/** Gives a domain another name: every address in it moves along, in one transaction. Large offices make it long, so the worker runs it. */
import { Refused } from '../../errors.ts';
import type { Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { EpochSeconds } from '../ids.ts';
import { nextNumber } from './accounts.ts';
import { recordAudit } from './audit.ts';

const FIND = sql<readonly [id: number, anotherNameOf: number | null]>(
  'SELECT domain_id, another_name_of FROM domain WHERE name = ?',
);
const SET_NAME = sql('UPDATE domain SET name = ? WHERE domain_id = ?');
const DELETE = sql('DELETE FROM domain WHERE domain_id = ?');
const INSERT = sql('INSERT INTO domain (domain_id, name, created, another_name_of) VALUES (?, ?, ?, ?)');

/** Addresses are local part, `@`, and a domain in ASCII without any of LIKE's wildcards. */
const MOVES = [
  ['account', 'name'],
  ['alias', 'address'],
  ['alias_outsider', 'address'],
  ['person_group', 'address'],
  ['domain', 'catch_all'],
].map(([table, column]) =>
  sql(
    `UPDATE ${table} SET ${column} = substr(${column}, 1, length(${column}) - CAST(? AS INTEGER)) || CAST(? AS TEXT)
     WHERE ${column} LIKE '%@' || CAST(? AS TEXT)`,
  ),
);

/** Who is called by an address of the domain may be called by the new one already, as long as that was elsewhere. */
const CALLED = [
  ['forwarding_target', 'account_id'],
  ['group_poster', 'group_id'],
].map(([table, by]) => ({
  copy: sql(`
    INSERT INTO ${table} (${by}, address) SELECT ${by}, substr(address, 1, length(address) - CAST(? AS INTEGER)) || CAST(? AS TEXT) FROM ${table}
    WHERE address LIKE '%@' || CAST(? AS TEXT) ON CONFLICT DO NOTHING`),
  forget: sql(`DELETE FROM ${table} WHERE address LIKE '%@' || CAST(? AS TEXT)`),
}));

export interface DomainRename {
  readonly from: string;
  readonly to: string;
  /** The old name stays another name of the domain: mail and sign-ins with it go on. */
  readonly keepOld: boolean;
  readonly actor: string;
  readonly now: EpochSeconds;
}

/** @returns how many accounts moved @throws Refused `directory.missing`, `directory.exists`, `directory.invalid` */
export async function renameDomain(tx: Writer, { from, to, keepOld, actor, now }: DomainRename): Promise<number> {
  const found = await tx.get(FIND, from);
  if (found === undefined) throw new Refused('directory.missing', `There is no domain ${from}.`);
  const [id, anotherNameOf] = found;
  if (anotherNameOf !== null) {
    throw new Refused(
      'directory.invalid',
      `${from} is only another name of a domain. Remove it, or rename the domain itself.`,
    );
  }
  const other = await tx.get(FIND, to);
  if (other !== undefined) {
    // Going back to a name that was kept.
    if (other[1] !== id) throw new Refused('directory.exists', `The domain ${to} is there already.`);
    await tx.run(DELETE, other[0]);
  }
  await tx.run(SET_NAME, to, id);
  let accounts = 0;
  for (const [index, move] of MOVES.entries()) {
    const moved = await tx.run(move, from.length, to, from);
    if (index === 0) accounts = moved;
  }
  for (const { copy, forget } of CALLED) {
    await tx.run(copy, from.length, to, from);
    await tx.run(forget, from);
  }
  if (keepOld) await tx.run(INSERT, await nextNumber(tx, 'domain'), from, now, id);
  const detail = { to, keepOld, accounts };
  await recordAudit(tx, { actor, action: 'domain.rename', subject: from, also: [to], detail }, now);
  return accounts;
}
