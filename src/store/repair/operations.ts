/** Mending as whole operations: what is set right, and the audit that tells of it, in one transaction. */
import type { Writer } from '../engine/engine.ts';
import type { AccountId, EpochSeconds } from '../ids.ts';
import { recordAudit } from '../operations/audit.ts';
import { mendAccount } from '../verify/account.ts';
import type { Finding } from '../verify/finding.ts';
import { mendInstallation } from '../verify/installation.ts';
import { repairEntry } from './audit.ts';

interface By {
  readonly actor: string;
  readonly now: EpochSeconds;
}

/** Mends all rows of one account. @returns what was found, and what was done about it */
export async function repairAccount(
  tx: Writer,
  { account, actor, now }: By & { readonly account: AccountId },
): Promise<readonly Finding[]> {
  const mended = await mendAccount(tx, account);
  const [first] = mended;
  if (first !== undefined) await recordAudit(tx, repairEntry(actor, first.account ?? `${account}`, mended), now);
  return mended;
}

/** Mends what belongs to no account, or to one that is gone. @returns what was found, and what was done about it */
export async function repairInstallation(tx: Writer, { actor, now }: By): Promise<readonly Finding[]> {
  const mended = await mendInstallation(tx);
  if (mended.length > 0) await recordAudit(tx, repairEntry(actor, 'installation', mended), now);
  return mended;
}
