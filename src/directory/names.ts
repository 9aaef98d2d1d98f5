/**
 * Who has an address.
 *
 * Invariant: an address is an account, an alias or a group, never two of them; so where mail goes is always plain, and nothing can go round in
 * circles. Everything that gives an address to somebody asks {@link requireFree} in the same transaction.
 */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import { exists } from './rules.ts';

export type Holder = { readonly kind: 'account' | 'alias' } | { readonly kind: 'group'; readonly name: string };

const ACCOUNT = sql<readonly [id: number]>('SELECT account_id FROM account WHERE name = ?');
const ALIAS = sql<readonly [address: string]>(`
  SELECT address FROM alias WHERE address = ? UNION ALL SELECT address FROM alias_outsider WHERE address = ? LIMIT 1`);
const GROUP = sql<readonly [name: string]>('SELECT name FROM person_group WHERE address = ?');
const MOVE_CATCH_ALLS = sql('UPDATE domain SET catch_all = ? WHERE catch_all = ?');
/** Who is called by an address elsewhere in the directory may be called by the new one already. */
const COPY = [
  sql(`INSERT INTO forwarding_target (account_id, address) SELECT account_id, CAST(? AS TEXT) FROM forwarding_target WHERE address = ?
    ON CONFLICT DO NOTHING`),
  sql(`INSERT INTO group_poster (group_id, address) SELECT group_id, CAST(? AS TEXT) FROM group_poster WHERE address = ?
    ON CONFLICT DO NOTHING`),
];
const FORGET = ['forwarding_target', 'group_poster'].map((table) => sql(`DELETE FROM ${table} WHERE address = ?`));
const END_FORWARDINGS = sql(
  'DELETE FROM forwarding WHERE account_id NOT IN (SELECT account_id FROM forwarding_target)',
);

export async function holderOf(tx: Reader, address: string): Promise<Holder | undefined> {
  if ((await tx.get(ACCOUNT, address)) !== undefined) return { kind: 'account' };
  if ((await tx.get(ALIAS, address, address)) !== undefined) return { kind: 'alias' };
  const group = await tx.get(GROUP, address);
  return group === undefined ? undefined : { kind: 'group', name: group[0] };
}

/** @throws Refused `directory.exists` when somebody has the address, with what to do about it */
export async function requireFree(tx: Reader, address: string): Promise<void> {
  const holder = await holderOf(tx, address);
  if (holder !== undefined) throw taken(address, holder);
}

/** The refusal of an address that somebody has. */
export function taken(address: string, holder: Holder): Error {
  switch (holder.kind) {
    case 'account':
      return exists(`There is an account ${address} already.`);
    case 'alias':
      return exists(`${address} is an alias. Remove it first: rainmail alias remove ${address}`);
    case 'group':
      return exists(
        `${address} is the address of the group ${holder.name}. Take it away first: rainmail group address "${holder.name}" none`,
      );
  }
}

/**
 * Lets all that led to an address follow it, or end where it has gone: catch-alls and forwardings, and who may post to a group. So nobody who is
 * given the address later gets what was meant for somebody else.
 */
export async function followAddress(tx: Writer, from: string, to: string | null): Promise<void> {
  await tx.run(MOVE_CATCH_ALLS, to, from);
  if (to !== null) for (const copy of COPY) await tx.run(copy, to, from);
  for (const forget of FORGET) await tx.run(forget, from);
  if (to === null) await tx.run(END_FORWARDINGS);
}
