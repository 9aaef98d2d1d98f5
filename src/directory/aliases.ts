/** Aliases: addresses of ours that lead to accounts and to addresses elsewhere, and never to another alias or a group. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { PAGE_ROWS } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, requireAccount } from './accounts.ts';
import { type Address, formatAddress } from './address.ts';
import { isOurs, requireOurs } from './domains.ts';
import { followAddress, holderOf, requireFree, taken } from './names.ts';
import { exists, invalid, missing } from './rules.ts';
import type { Account, Alias } from './types.ts';

/** Accounts an alias may lead to, and addresses elsewhere: a delivery to it is one transaction. */
export const TARGETS_LIMIT = 500;

const TARGETS = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM alias CROSS JOIN ${ACCOUNT_TABLES}
  WHERE alias.address = ? AND a.account_id = alias.account_id ORDER BY a.account_id`);
const OUTSIDERS = sql<readonly [target: string]>('SELECT target FROM alias_outsider WHERE address = ? ORDER BY target');
const INSERT = sql('INSERT INTO alias (address, account_id, created) VALUES (?, ?, ?)');
const INSERT_OUTSIDER = sql('INSERT INTO alias_outsider (address, target, created) VALUES (?, ?, ?)');
const SET_ADDRESS = [
  sql('UPDATE alias SET address = ? WHERE address = ?'),
  sql('UPDATE alias_outsider SET address = ? WHERE address = ?'),
];
const DELETE = sql('DELETE FROM alias WHERE address = ?');
const DELETE_OUTSIDERS = sql('DELETE FROM alias_outsider WHERE address = ?');
const DELETE_TARGET = sql('DELETE FROM alias WHERE address = ? AND account_id = ?');
const DELETE_OUTSIDER = sql('DELETE FROM alias_outsider WHERE address = ? AND target = ?');
const LIST = sql<readonly [address: string]>(`
  SELECT address FROM alias WHERE address > ? UNION SELECT address FROM alias_outsider WHERE address > ? ORDER BY address LIMIT ?`);

/** The accounts an address leads to as an alias; none when it is no alias. */
export async function aliasTargets(tx: Reader, address: string): Promise<Account[]> {
  return (await tx.all(TARGETS, address)).map(accountOf);
}

/** The addresses elsewhere that it leads to as well. */
export async function aliasOutsiders(tx: Reader, address: string): Promise<string[]> {
  return (await tx.all(OUTSIDERS, address)).map(([target]) => target);
}

/** Makes an address lead to an account, beside those it leads to already. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function addAlias(tx: Writer, address: Address, accountName: string, now: EpochSeconds): Promise<void> {
  const text = await requireAliasable(tx, address);
  const account = await requireAccount(tx, accountName);
  const targets = await aliasTargets(tx, text);
  if (targets.some(({ id }) => id === account.id)) throw alreadyThere(text, account.name);
  requireFew(targets.length + 1);
  await tx.run(INSERT, text, account.id, now);
}

/**
 * Makes an address lead to accounts, and to addresses elsewhere.
 * @param mayLeave  refuses addresses elsewhere while no mail leaves @throws Refused `directory.exists`, `directory.missing`, `directory.invalid`
 */
export async function addTargets(
  tx: Writer,
  address: Address,
  targets: readonly Address[],
  now: EpochSeconds,
  mayLeave: (address: string) => void,
): Promise<void> {
  for (const target of targets) {
    const text = formatAddress(target);
    if (await isOurs(tx, target.domain)) {
      await addAlias(tx, address, text, now);
      continue;
    }
    mayLeave(text);
    await addOutsider(tx, address, text, now);
  }
}

async function addOutsider(tx: Writer, address: Address, target: string, now: EpochSeconds): Promise<void> {
  const text = await requireAliasable(tx, address);
  const targets = await aliasOutsiders(tx, text);
  if (targets.includes(target)) throw alreadyThere(text, target);
  requireFew(targets.length + 1);
  await tx.run(INSERT_OUTSIDER, text, target, now);
}

/** Removes an alias, or only one of the addresses it leads to. @throws Refused `directory.missing` */
export async function removeAlias(tx: Writer, address: string, target: string | undefined): Promise<void> {
  const removed = target === undefined ? await dropAlias(tx, address) : await dropTarget(tx, address, target);
  if (removed === 0) throw missing(`There is no such alias ${address}. See them all: rainmail alias list`);
  if ((await holderOf(tx, address)) === undefined) await followAddress(tx, address, null);
}

/** Takes an alias away for one who gets its address: what led to it goes on to. @returns how many targets it had */
export async function dropAlias(tx: Writer, address: string): Promise<number> {
  return (await tx.run(DELETE, address)) + (await tx.run(DELETE_OUTSIDERS, address));
}

async function dropTarget(tx: Writer, address: string, target: string): Promise<number> {
  const outside = await tx.run(DELETE_OUTSIDER, address, target);
  return outside > 0 ? outside : tx.run(DELETE_TARGET, address, (await requireAccount(tx, target)).id);
}

/** Gives an alias another address. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function renameAlias(tx: Writer, address: string, wanted: Address): Promise<void> {
  const text = formatAddress(wanted);
  await requireOurs(tx, wanted.domain);
  if ((await holderOf(tx, address))?.kind !== 'alias')
    throw missing(`There is no such alias ${address}. See them all: rainmail alias list`);
  if (text === address) return;
  await requireFree(tx, text);
  for (const set of SET_ADDRESS) await tx.run(set, text, address);
  await followAddress(tx, address, text);
}

/** Undefined: there is no such alias. */
export async function findAlias(tx: Reader, address: string): Promise<Alias | undefined> {
  const accounts = (await aliasTargets(tx, address)).map(({ name }) => name);
  const elsewhere = await aliasOutsiders(tx, address);
  return accounts.length + elsewhere.length === 0 ? undefined : { address, accounts, elsewhere };
}

/** A page of aliases in order of address, after `after`; the last page is shorter than PAGE_ROWS. */
export async function listAliases(tx: Reader, after: string): Promise<Alias[]> {
  const aliases: Alias[] = [];
  for (const [address] of await tx.all(LIST, after, after, PAGE_ROWS)) aliases.push((await findAlias(tx, address))!);
  return aliases;
}

/** @returns the address as it is kept @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
async function requireAliasable(tx: Reader, address: Address): Promise<string> {
  const text = formatAddress(address);
  await requireOurs(tx, address.domain);
  const holder = await holderOf(tx, text);
  if (holder !== undefined && holder.kind !== 'alias') throw taken(text, holder);
  return text;
}

function alreadyThere(address: string, target: string): Error {
  return exists(`The alias ${address} leads to ${target} already.`);
}

function requireFew(targets: number): void {
  if (targets <= TARGETS_LIMIT) return;
  throw invalid(`An alias leads to at most ${TARGETS_LIMIT} accounts, and as many addresses elsewhere.`);
}
