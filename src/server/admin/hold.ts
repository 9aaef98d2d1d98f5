/** Legal hold: an account of which nothing may go. */
import { z } from 'zod';
import { PAGE_ROWS } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { type Held, heldAfter, releaseHold, setHold } from '../../store/operations/hold.ts';
import { action } from './action.ts';

export interface HoldChanged {
  readonly account: string;
  /** False: it was so before. */
  readonly changed: boolean;
}

export interface HoldShown {
  readonly account: string;
  readonly since: string;
  /** Removed messages that are kept. */
  readonly messages: number;
  readonly bytes: number;
}

export const holdAccount = action({
  name: 'hold.set',
  input: z.strictObject({ account: z.string(), reason: z.string().max(1_000).optional() }),
  async run({ store, directory }, { account, reason }, { actor }): Promise<HoldChanged> {
    const { id, name } = await directory.account(account);
    const changed = await store.engine.write(async (tx) => {
      if (!(await setHold(tx, id, nowSeconds()))) return false;
      await recordAudit(tx, { actor, action: 'hold.set', subject: name, detail: { reason } }, nowSeconds());
      return true;
    });
    return { account: name, changed };
  },
});

export const releaseAccount = action({
  name: 'hold.release',
  input: z.strictObject({ account: z.string(), reason: z.string().max(1_000).optional() }),
  async run({ store, directory }, { account, reason }, { actor }): Promise<HoldChanged> {
    const { id, name } = await directory.account(account);
    const changed = await store.engine.write(async (tx) => {
      if (!(await releaseHold(tx, id))) return false;
      await recordAudit(tx, { actor, action: 'hold.release', subject: name, detail: { reason } }, nowSeconds());
      return true;
    });
    return { account: name, changed };
  },
});

export const listHolds = action({
  name: 'hold.list',
  input: z.strictObject({}),
  async run({ store }): Promise<HoldShown[]> {
    const held: HoldShown[] = [];
    for (let after = ''; ; ) {
      const from = after;
      const page: readonly Held[] = await store.engine.read((tx) => heldAfter(tx, from));
      for (const each of page) held.push({ ...each, since: new Date(each.since * 1_000).toISOString() });
      if (page.length < PAGE_ROWS) return held;
      after = page.at(-1)!.account;
    }
  },
});
