/** Gives an account another address. Everything else refers to the account by its id, and so stays as it is: mail, UIDs, password, groups. */
import type { Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { requireAccount } from './accounts.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { addAlias, dropAlias, findAlias } from './aliases.ts';
import { requireOurs } from './domains.ts';
import { followAddress, requireFree } from './names.ts';
import { recomputeAccount } from './quotas.ts';

const SET_NAME = sql('UPDATE account SET name = ? WHERE account_id = ?');

/**
 * @param options.keepOld  the old address becomes an alias
 * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
 */
export async function renameAccount(
  tx: Writer,
  name: string,
  wanted: Address,
  { keepOld, now }: { readonly keepOld: boolean; readonly now: EpochSeconds },
): Promise<AccountId> {
  const { id } = await requireAccount(tx, name);
  const to = formatAddress(wanted);
  if (to === name) return id;
  await requireOurs(tx, wanted.domain);
  const { accounts = [], elsewhere = [] } = (await findAlias(tx, to)) ?? {};
  // Its own alias, as a rule the one that an earlier rename left.
  if (accounts.length === 1 && accounts[0] === name && elsewhere.length === 0) await dropAlias(tx, to);
  await requireFree(tx, to);
  await tx.run(SET_NAME, to, id);
  await followAddress(tx, name, to);
  if (keepOld) await addAlias(tx, parseAddress(name)!, to, now);
  await recomputeAccount(tx, id); // another domain, another quota
  return id;
}
