/** Aliases: addresses of ours that lead to one or several accounts, and never to another alias or a group. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, requireAccount } from './accounts.ts';
import { type Address, formatAddress } from './address.ts';
import { requireOurs } from './domains.ts';
import { holderOf, moveCatchAlls, requireFree, taken } from './names.ts';
import { exists, invalid, missing } from './rules.ts';
import type { Account, Alias } from './types.ts';

/** Accounts an alias may lead to: a delivery to it is one transaction. */
export const TARGETS_LIMIT = 500;

const TARGETS = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM alias CROSS JOIN ${ACCOUNT_TABLES}
  WHERE alias.address = ? AND a.account_id = alias.account_id ORDER BY a.account_id`);
const INSERT = sql('INSERT INTO alias (address, account_id, created) VALUES (?, ?, ?)');
const SET_ADDRESS = sql('UPDATE alias SET address = ? WHERE address = ?');
const DELETE = sql('DELETE FROM alias WHERE address = ?');
const DELETE_TARGET = sql('DELETE FROM alias WHERE address = ? AND account_id = ?');
const LIST = sql<readonly [address: string]>(
  'SELECT DISTINCT address FROM alias WHERE address > ? ORDER BY address LIMIT ?',
);

/** The accounts an address leads to as an alias; none when it is no alias. */
export async function aliasTargets(tx: Reader, address: string): Promise<Account[]> {
  return (await tx.all(TARGETS, address)).map(accountOf);
}

/** Makes an address lead to an account, beside those it leads to already. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function addAlias(tx: Writer, address: Address, accountName: string, now: EpochSeconds): Promise<void> {
  const text = formatAddress(address);
  await requireOurs(tx, address.domain);
  const holder = await holderOf(tx, text);
  if (holder !== undefined && holder.kind !== 'alias') throw taken(text, holder);
  const account = await requireAccount(tx, accountName);
  const targets = await aliasTargets(tx, text);
  if (targets.some(({ id }) => id === account.id)) throw exists(`The alias ${text} leads to ${account.name} already.`);
  if (targets.length >= TARGETS_LIMIT) throw invalid(`An alias leads to at most ${TARGETS_LIMIT} accounts.`);
  await tx.run(INSERT, text, account.id, now);
}

/** Removes an alias, or only one of the accounts it leads to. @throws Refused `directory.missing` */
export async function removeAlias(tx: Writer, address: string, accountName: string | undefined): Promise<void> {
  const removed =
    accountName === undefined
      ? await tx.run(DELETE, address)
      : await tx.run(DELETE_TARGET, address, (await requireAccount(tx, accountName)).id);
  if (removed === 0) throw missing(`There is no such alias ${address}. See them all: rainmail alias list`);
  if ((await holderOf(tx, address)) === undefined) await moveCatchAlls(tx, address, null);
}

/** Gives an alias another address. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function renameAlias(tx: Writer, address: string, wanted: Address): Promise<void> {
  const text = formatAddress(wanted);
  await requireOurs(tx, wanted.domain);
  if ((await aliasTargets(tx, address)).length === 0)
    throw missing(`There is no such alias ${address}. See them all: rainmail alias list`);
  if (text === address) return;
  await requireFree(tx, text);
  await tx.run(SET_ADDRESS, text, address);
  await moveCatchAlls(tx, address, text);
}

/** A page of aliases in order of address, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listAliases(tx: Reader, after: string): Promise<Alias[]> {
  const aliases: Alias[] = [];
  for (const [address] of await tx.all(LIST, after, PAGE_ROWS)) {
    aliases.push({ address, accounts: (await aliasTargets(tx, address)).map(({ name }) => name) });
  }
  return aliases;
}
