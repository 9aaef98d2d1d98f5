/** A new account: the person who signs in, the mailboxes, the groups and the quota, whole or not at all. */
import type { Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { createAccount, nextNumber } from '../store/operations/accounts.ts';
import { noteOutsidePassword, type StoredPassword, storePassword } from './credentials.ts';
import { ensureDomain, requireOurs } from './domains.ts';
import { joinOrMake } from './groups.ts';
import { requireFree } from './names.ts';
import { recomputeAccount, setRule } from './quotas.ts';
import type { Account } from './types.ts';

const INSERT_PERSON = sql(`
  INSERT INTO person (person_id, account_id, display_name, scram_salt, scram_iterations, created) VALUES (?, ?, ?, NULL, NULL, ?)`);

export interface NewAccount {
  /** In canonical form. */
  readonly name: string;
  readonly domain: string;
  /** Add the domain where it is missing. */
  readonly makeDomain: boolean;
  readonly displayName: string;
  /** Its own quota; null: what its groups, its domain or everyone have. */
  readonly quotaBytes: number | null;
  /** Made where they are missing. */
  readonly groups: readonly string[];
  /** Null: it is checked elsewhere (outside/). */
  readonly password: StoredPassword | null;
}

/** Makes a person and the account with its mailboxes. @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
export async function addAccount(tx: Writer, account: NewAccount, now: EpochSeconds): Promise<Account> {
  const { name, displayName, password } = account;
  if (account.makeDomain) await ensureDomain(tx, account.domain, now);
  await requireOurs(tx, account.domain);
  await requireFree(tx, name);
  const id = await createAccount(tx, { name, quotaBytes: null, now });
  const person = await nextNumber(tx, 'person');
  await tx.run(INSERT_PERSON, person, id, displayName, now);
  if (password === null) await noteOutsidePassword(tx, id, now);
  else await storePassword(tx, id, password, now);
  for (const group of new Set(account.groups)) await joinOrMake(tx, group, id, now);
  if (account.quotaBytes !== null) await setRule(tx, 'account', id, account.quotaBytes);
  return { id, name, displayName, quotaBytes: await recomputeAccount(tx, id), state: 'active' };
}
