/** What an address in canonical form is by itself: an account, an alias or a group. What those make of their mail is in follow.ts. */
import type { Reader } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, type AccountRow, accountOf, findAccount } from './accounts.ts';
import { aliasOutsiders, aliasTargets } from './aliases.ts';
import { outsidersOf, postingOf } from './group-mail.ts';
import { groupAt, recipientsOf } from './groups.ts';
import type { Account, MailList } from './types.ts';

/** RFC 5321 4.5.1, RFC 2142 4: the addresses of every domain at which somebody is to be reached who looks after it. */
const ROLES: ReadonlySet<string> = new Set(['postmaster', 'abuse']);

const FIRST_ACCOUNT_AT = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.name LIKE '%@' || ? AND a.state IN ('active', 'suspended')
  ORDER BY a.state, a.account_id LIMIT 1`);
const FIRST_ACCOUNT = sql<AccountRow>(`
  SELECT ${ACCOUNT_COLUMNS} FROM ${ACCOUNT_TABLES} WHERE a.state IN ('active', 'suspended') ORDER BY a.state, a.account_id LIMIT 1`);

/** What stands behind an address. */
export interface Behind {
  /** In canonical form, in its domain's main name. */
  readonly address: string;
  /** Whose it is, closed accounts too. */
  readonly accounts: readonly Account[];
  /** Addresses elsewhere that it leads to besides. */
  readonly outsiders: readonly string[];
  /** Of a group's address. */
  readonly list?: MailList;
  readonly group?: number;
  /** Told to senders when nobody behind it takes mail. */
  readonly ifNobody: string;
}

/** Undefined: nobody has the address. Suspended accounts get mail like others. */
export async function behind(tx: Reader, address: string): Promise<Behind | undefined> {
  const account = await findAccount(tx, address);
  if (account !== undefined) {
    return { address, accounts: [account], outsiders: [], ifNobody: `The account ${address} is closed.` };
  }
  const accounts = await aliasTargets(tx, address);
  const outsiders = await aliasOutsiders(tx, address);
  if (accounts.length + outsiders.length > 0) {
    return { address, accounts, outsiders, ifNobody: `Nobody behind ${address} takes mail any more.` };
  }
  const group = await groupAt(tx, address);
  if (group === undefined) return undefined;
  const list = { name: group.name, address, outsiders: await outsidersOf(tx, group), ...(await postingOf(tx, group)) };
  const ifNobody = `Nobody is in the group ${address} who could get this.`;
  const members = await recipientsOf(tx, group);
  return { address, accounts: members, outsiders: list.outsiders, list, group: group.id, ifNobody };
}

export function isRole(local: string): boolean {
  return ROLES.has(local);
}

/** Who gets mail for a role that nobody was named for: the domain's first account, else the office's; undefined where there is none. */
export async function holderOfRoles(tx: Reader, domain: string): Promise<Account | undefined> {
  const row = (await tx.get(FIRST_ACCOUNT_AT, domain)) ?? (await tx.get(FIRST_ACCOUNT));
  return row && accountOf(row);
}
