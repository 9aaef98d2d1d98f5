/** Accounts that forward their mail. */
import { z } from 'zod';
import type { AccountForwarding } from '../../directory/mail-ways.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

/** Where the mail of an account goes. */
export interface ForwardingShown extends AccountForwarding {
  /** False: its mail stays, and goes nowhere else. */
  readonly forwards: boolean;
}

const account = z.string();

export const setForwarding = action({
  name: 'forward.set',
  input: z.strictObject({ account, to: z.array(z.string()).min(1).max(100), keeps: z.boolean() }),
  async run(office, { account, to, keeps }, { actor }): Promise<ForwardingShown> {
    await office.directory.by(actor).forwarding.set(account, to, { keeps });
    return shown(office, account);
  },
});

export const removeForwarding = action({
  name: 'forward.remove',
  input: z.strictObject({ account, to: z.string().optional() }),
  async run(office, { account, to }, { actor }): Promise<ForwardingShown> {
    await office.directory.by(actor).forwarding.remove(account, to);
    return shown(office, account);
  },
});

export const showForwarding = action({
  name: 'forward.show',
  input: z.strictObject({ account }),
  run: (office, { account }): Promise<ForwardingShown> => shown(office, account),
});

export const listForwardings = action({
  name: 'forward.list',
  input: z.strictObject({}),
  async run({ directory }): Promise<AccountForwarding[]> {
    return Array.fromAsync(directory.ways.forwardings());
  },
});

async function shown({ directory }: Office, text: string): Promise<ForwardingShown> {
  const { name } = await directory.account(text);
  const forwarding = await directory.ways.forwarding(name);
  return { account: name, forwards: forwarding !== null, ...(forwarding ?? { to: [], keeps: true }) };
}
