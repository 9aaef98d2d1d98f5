/**
 * Operations that may be too large for the event loop and must be whole: the database's worker runs them by name (engine.writeInWorker).
 * Each is an ordinary operation; its arguments must survive structured cloning.
 */
import type { Writer } from '../engine/engine.ts';
import { repairAccount, repairInstallation } from '../repair/operations.ts';
import { copyMessages } from './copy.ts';
import { deleteByPop3 } from './devices.ts';
import { renameDomain } from './rename-domain.ts';

export type Heavy = (tx: Writer, args: unknown) => Promise<unknown>;

/** The caller (SqliteEngine.writeInWorker) and the operation agree on the arguments by name. */
function heavy<Args>(operation: (tx: Writer, args: Args) => Promise<unknown>): Heavy {
  return (tx, args) => operation(tx, args as Args);
}

export const HEAVY_OPERATIONS = {
  copyMessages: heavy(copyMessages),
  deleteByPop3: heavy(deleteByPop3),
  renameDomain: heavy(renameDomain),
  repairAccount: heavy(repairAccount),
  repairInstallation: heavy(repairInstallation),
} as const satisfies Readonly<Record<string, Heavy>>;

export type HeavyOperation = keyof typeof HEAVY_OPERATIONS;
