/** A person of a file becomes an account, or their account is brought up to date: all that the file says of them, or nothing. */
import type { ImportedSecret } from '../../auth/foreign/hashes.ts';
import { scramOf } from '../../auth/foreign/hashes.ts';
import { hashPassword } from '../../auth/password.ts';
import { areUsual, type ScramParameters } from '../../auth/scram-keys.ts';
import type { Writer } from '../../store/engine/engine.ts';
import type { EpochSeconds } from '../../store/ids.ts';
import * as accounts from '../accounts.ts';
import { type Address, formatAddress } from '../address.ts';
import { addAlias, aliasTargets } from '../aliases.ts';
import { type StoredPassword, scramParameters, storePassword } from '../credentials.ts';
import { ensureDomain } from '../domains.ts';
import { joinOrMake } from '../groups.ts';
import { addAccount } from '../new-account.ts';
import { requirePersonHere } from '../outside/guard.ts';
import { recomputeAccount, setRule } from '../quotas.ts';
import {
  invalid,
  requireAddress,
  requireDisplayName,
  requireDomain,
  requireGroupName,
  requirePassword,
  requireQuota,
} from '../rules.ts';
import type { Account, AccountState } from '../types.ts';
import type { FilePerson } from './person.ts';

/** A person whose every field is as the directory takes it. */
export interface CheckedPerson {
  /** In canonical form. */
  readonly name: string;
  readonly domain: string;
  readonly secret: ImportedSecret | null;
  readonly displayName: string | undefined;
  /** Null: no limit; undefined: what groups, domain or everyone have. */
  readonly quotaBytes: number | null | undefined;
  readonly state: AccountState | undefined;
  readonly groups: readonly string[];
  readonly aliases: readonly Address[];
}

/** @throws Refused `directory.invalid` */
export function checkedPerson(person: FilePerson, office: { readonly trial: boolean }): CheckedPerson {
  const { secret, quotaBytes, displayName, state } = person;
  const [address, ...aliases] = [person.address, ...person.aliases].map((text) => requireAddress(text));
  for (const { domain } of [address!, ...aliases]) requireDomain(domain, office);
  if (secret?.kind === 'password') requirePassword(secret.password);
  if (quotaBytes !== undefined) requireQuota(quotaBytes);
  return {
    name: formatAddress(address!),
    domain: address!.domain,
    secret,
    displayName: displayName === undefined ? undefined : requireDisplayName(displayName),
    quotaBytes,
    state,
    groups: person.groups.map(requireGroupName),
    aliases,
  };
}

/**
 * What is kept of a password or a hash.
 * @param parameters  salt and count of the account
 * @param isNew  the account has no other credentials, so it may take the salt of a SCRAM hash, where that looks like any other's
 */
export async function storedSecret(
  secret: ImportedSecret,
  parameters: ScramParameters,
  isNew: boolean,
): Promise<StoredPassword> {
  if (secret.kind === 'password') return { verifiers: await hashPassword(secret.password, parameters), parameters };
  const { hash } = secret;
  const scram = scramOf(hash);
  if (scram !== null && isNew && areUsual(scram.parameters)) {
    return { verifiers: { hash, scram: scram.keys }, parameters: scram.parameters };
  }
  return { verifiers: { hash, scram: null }, parameters };
}

/** @throws Refused `directory.exists`, `directory.invalid`, `directory.missing` */
export async function addPerson(
  tx: Writer,
  person: CheckedPerson,
  password: StoredPassword | null,
  now: EpochSeconds,
): Promise<Account> {
  const { name, domain, groups, displayName = '', quotaBytes = null } = person;
  if (password === null) throw invalid('There is no password and no hash: one of them is needed for a new account.');
  const account = await addAccount(
    tx,
    { name, domain, makeDomain: true, displayName, quotaBytes, groups, password },
    now,
  );
  await applyRest(tx, account, person, now);
  return account;
}

/** Brings an account up to date with what the file says; what it does not say, stays. @throws Refused as {@link addPerson} */
export async function updatePerson(
  tx: Writer,
  person: CheckedPerson,
  password: StoredPassword | null,
  now: EpochSeconds,
): Promise<Account> {
  const account = await accounts.requireAccount(tx, person.name);
  await requirePersonHere(tx, person.name, 'the person');
  if (password !== null) {
    // Its salt stays: app passwords are hashed with it.
    const parameters = (await scramParameters(tx, account.id)) ?? password.parameters;
    await storePassword(tx, account.id, { ...password, parameters }, now);
  }
  if (person.displayName !== undefined) await accounts.setDisplayName(tx, person.name, person.displayName);
  for (const group of person.groups) await joinOrMake(tx, group, account.id, now);
  if (person.quotaBytes) await setRule(tx, 'account', account.id, person.quotaBytes);
  await applyRest(tx, account, person, now);
  await recomputeAccount(tx, account.id);
  return account;
}

/** What new and known accounts take alike. */
async function applyRest(tx: Writer, { id }: Account, person: CheckedPerson, now: EpochSeconds): Promise<void> {
  if (person.quotaBytes === null) await setRule(tx, 'account', id, null);
  for (const alias of person.aliases) {
    await ensureDomain(tx, alias.domain, now);
    const targets = await aliasTargets(tx, formatAddress(alias));
    if (!targets.some((target) => target.id === id)) await addAlias(tx, alias, person.name, now);
  }
  if (person.state !== undefined) await accounts.setState(tx, person.name, person.state);
}
