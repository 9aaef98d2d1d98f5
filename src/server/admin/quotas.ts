/** Quotas: how much mail an account, the people of a group or a domain, or everyone may keep. */
import { z } from 'zod';
import type { QuotaDecision, QuotaRule } from '../../directory/types.ts';
import { action } from './action.ts';

const subject = { scope: z.enum(['account', 'group', 'domain', 'everyone']), name: z.string() };

export const setQuota = action({
  name: 'quota.set',
  input: z.strictObject({ ...subject, bytes: z.number().int().positive().nullable() }),
  async run({ directory }, { bytes, ...whom }, { actor }): Promise<QuotaRule> {
    await directory.by(actor).quotas.set(whom, bytes);
    return { ...whom, bytes };
  },
});

export const unsetQuota = action({
  name: 'quota.unset',
  input: z.strictObject(subject),
  async run({ directory }, whom, { actor }): Promise<Omit<QuotaRule, 'bytes'>> {
    await directory.by(actor).quotas.unset(whom);
    return whom;
  },
});

export const showQuotas = action({
  name: 'quota.show',
  input: z.strictObject({}),
  run: ({ directory }): Promise<QuotaRule[]> => Array.fromAsync(directory.quotas()),
});

export const explainQuota = action({
  name: 'quota.explain',
  input: z.strictObject({ account: z.string() }),
  run: ({ directory }, { account }): Promise<QuotaDecision> => directory.quotaOf(account),
});
