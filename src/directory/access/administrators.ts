/**
 * Administrators: people who may do everything on the web pages of the office.
 *
 * Invariant: where one of them could sign in to the web from somewhere with something, no change of a policy, a group, a name or a state makes it so
 * that none can ({@link keepAdministrators}). What can't be undone by waiting is never in the way: revoking a password of a lost phone.
 */
import { Refused } from '../../errors.ts';
import { PAGE_ROWS, type Reader, type Writer } from '../../store/engine/engine.ts';
import { sql } from '../../store/engine/sql.ts';
import type { AccountId } from '../../store/ids.ts';
import { ADMINISTRATOR, requireAccount } from '../accounts.ts';
import { credentialsOf } from '../credentials.ts';
import { invalid } from '../rules.ts';
import type { EffectiveAccess } from './effective.ts';

const ACTIVE = sql<readonly [account: number]>(`
  SELECT p.account_id FROM person p JOIN account a ON a.account_id = p.account_id
  WHERE p.role = '${ADMINISTRATOR}' AND a.state = 'active' AND p.account_id > ? ORDER BY p.account_id LIMIT ?`);
const ROLE = sql<readonly [role: string]>('SELECT role FROM person WHERE account_id = ?');
const SET_ROLE = sql('UPDATE person SET role = ? WHERE account_id = ?');

export async function isAdministrator(tx: Reader, account: AccountId): Promise<boolean> {
  return (await tx.get(ROLE, account))?.[0] === ADMINISTRATOR;
}

/** Makes somebody an administrator, or no more. @throws Refused `directory.missing`, `directory.invalid` for an account that is nobody's */
export async function setAdministrator(tx: Writer, name: string, wanted: boolean): Promise<void> {
  const { id } = await requireAccount(tx, name);
  if ((await tx.run(SET_ROLE, wanted ? ADMINISTRATOR : '', id)) === 0) {
    throw invalid(`${name} is nobody's account: only a person can be an administrator.`);
  }
}

/** Makes a change, unless no administrator could sign in any more after it. @throws Refused `policy.lock-out` */
export async function keepAdministrators<T>(tx: Reader, policy: EffectiveAccess, change: () => Promise<T>): Promise<T> {
  const before = await anyCanEnter(tx, policy);
  const result = await change();
  if (!before || (await anyCanEnter(tx, policy))) return result;
  throw new Refused(
    'policy.lock-out',
    'No administrator could sign in to the web any more. Make somebody else one first: rainmail account promote ADDRESS',
  );
}

async function anyCanEnter(tx: Reader, policy: EffectiveAccess): Promise<boolean> {
  for (let after = 0; ; ) {
    const page = await tx.all(ACTIVE, after, PAGE_ROWS);
    for (const [account] of page) if (await canEnter(tx, policy, account as AccountId)) return true;
    if (page.length < PAGE_ROWS) return false;
    after = page.at(-1)![0];
  }
}

/** Everybody has a password, here or elsewhere; the other kinds count where there is one. */
async function canEnter(tx: Reader, policy: EffectiveAccess, account: AccountId): Promise<boolean> {
  const { on, credentials } = (await policy.of(tx, account)).services.web;
  if (!on) return false;
  if (credentials === null || credentials.includes('password')) return true;
  if (credentials.includes('oauth') && policy.tokens) return true;
  if (!credentials.includes('app')) return false;
  const all = await credentialsOf(tx, account);
  return all.some(({ kind, protocols }) => kind === 'app' && (protocols === null || protocols.includes('web')));
}
