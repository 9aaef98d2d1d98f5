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
const ALIAS = sql<readonly [address: string]>('SELECT address FROM alias WHERE address = ? LIMIT 1');
const GROUP = sql<readonly [name: string]>('SELECT name FROM person_group WHERE address = ?');
const MOVE_CATCH_ALLS = sql('UPDATE domain SET catch_all = ? WHERE catch_all = ?');

export async function holderOf(tx: Reader, address: string): Promise<Holder | undefined> {
  if ((await tx.get(ACCOUNT, address)) !== undefined) return { kind: 'account' };
  if ((await tx.get(ALIAS, address)) !== undefined) return { kind: 'alias' };
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

/** Lets catch-alls that led to an address follow it, or end where it has gone. */
export async function moveCatchAlls(tx: Writer, from: string, to: string | null): Promise<void> {
  await tx.run(MOVE_CATCH_ALLS, to, from);
}
