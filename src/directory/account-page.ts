/** Everything about one account, on one page. */
import { PAGE_ROWS, type Reader } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { isAdministrator } from './access/administrators.ts';
import { requireAccount } from './accounts.ts';
import { listCredentials } from './credentials.ts';
import { findForwarding } from './forwarding.ts';
import { explainQuota } from './quotas.ts';
import type { Account, CredentialListing, Forwarding, QuotaDecision } from './types.ts';

const FACTS = sql<
  readonly [
    bytes: number,
    messages: number,
    retainedBytes: number,
    retained: number,
    hold: number,
    created: number,
    source: string | null,
  ]
>(`
  SELECT a.used_bytes, a.used_count, a.retained_bytes, a.retained_count, a.legal_hold, a.created, p.source
  FROM account a LEFT JOIN person p ON p.account_id = a.account_id WHERE a.account_id = ?`);
const ALIASES = sql<readonly [address: string]>(
  'SELECT address FROM alias WHERE account_id = ? ORDER BY address LIMIT ?',
);
const GROUPS = sql<readonly [name: string]>(`
  SELECT g.name FROM person p JOIN membership m ON m.person_id = p.person_id JOIN person_group g ON g.group_id = m.group_id
  WHERE p.account_id = ? ORDER BY g.name LIMIT ?`);
export interface AccountPage extends Omit<Account, 'id' | 'forwards'> {
  readonly created: EpochSeconds;
  readonly administrator: boolean;
  /** Lives in another directory, such as `ldap`; null: lives here. */
  readonly source: string | null;
  /** The first {@link PAGE_ROWS}, as of all lists here. */
  readonly aliases: readonly string[];
  readonly groups: readonly string[];
  /** Where its mail goes on to; null: it stays. */
  readonly forwarding: Forwarding | null;
  readonly quota: QuotaDecision;
  readonly usedBytes: number;
  readonly messages: number;
  /** What was removed and can be brought back. */
  readonly retainedBytes: number;
  readonly retainedMessages: number;
  /** Since when it is held for legal reasons; null: it is not. */
  readonly heldSince: EpochSeconds | null;
  /** The password and the app passwords, with their last use. */
  readonly credentials: readonly CredentialListing[];
}

/** @throws Refused `directory.missing` */
export async function readAccountPage(tx: Reader, name: string): Promise<AccountPage> {
  const { id, forwards: _, ...account } = await requireAccount(tx, name);
  const [usedBytes, messages, retainedBytes, retainedMessages, hold, created, source] = (await tx.get(FACTS, id))!;
  return {
    ...account,
    created,
    administrator: await isAdministrator(tx, id),
    source,
    aliases: (await tx.all(ALIASES, id, PAGE_ROWS)).map(([address]) => address),
    groups: (await tx.all(GROUPS, id, PAGE_ROWS)).map(([group]) => group),
    forwarding: await findForwarding(tx, id),
    quota: await explainQuota(tx, id),
    usedBytes,
    messages,
    retainedBytes,
    retainedMessages,
    heldSince: hold === 0 ? null : hold,
    credentials: await listCredentials(tx, id),
  };
}
