/** App passwords: one for each device of a person. */
import { z } from 'zod';
import { type CredentialListing, SIGN_IN_PROTOCOLS, type SignInProtocol } from '../../directory/types.ts';
import { action } from './action.ts';

export interface AppPasswordShown {
  readonly id: number;
  readonly name: string;
  /** What it is for; null: every protocol. */
  readonly protocols: readonly SignInProtocol[] | null;
  /** ISO 8601. */
  readonly created: string;
  readonly lastUse: { readonly at: string; readonly protocol: string; readonly address: string } | null;
}

export interface AppPasswordMade {
  readonly address: string;
  readonly id: number;
  readonly name: string;
  readonly protocols: readonly SignInProtocol[] | null;
  /** Told this once. */
  readonly password: string;
}

const address = z.string();
const protocols = z.array(z.enum(SIGN_IN_PROTOCOLS)).nullable();

export const addAppPassword = action({
  name: 'app-password.add',
  input: z.strictObject({ address, name: z.string(), protocols }),
  async run({ directory }, { address, name, protocols }, { actor }): Promise<AppPasswordMade> {
    const account = await directory.account(address);
    const made = await directory.by(actor).appPasswords.add(account.name, { label: name, protocols });
    return { address: account.name, id: made.id, name: made.label, protocols: made.protocols, password: made.password };
  },
});

export const listAppPasswords = action({
  name: 'app-password.list',
  input: z.strictObject({ address }),
  async run({ directory }, { address }): Promise<AppPasswordShown[]> {
    return (await directory.credentials(address)).filter(({ kind }) => kind === 'app').map(shown);
  },
});

export const revokeAppPassword = action({
  name: 'app-password.revoke',
  input: z.strictObject({ address, which: z.string() }),
  async run({ directory }, { address, which }, { actor }): Promise<AppPasswordShown> {
    return shown(await directory.by(actor).appPasswords.revoke(address, which));
  },
});

function shown({ id, label, protocols, created, lastUse }: CredentialListing): AppPasswordShown {
  return {
    id,
    name: label,
    protocols,
    created: time(created),
    lastUse: lastUse === null ? null : { ...lastUse, at: time(lastUse.at) },
  };
}

function time(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
