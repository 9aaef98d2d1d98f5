/**
 * What people sign in with: the password that everybody has, and app passwords, each for one device.
 *
 * Invariants
 * - All credentials of an account share one salt and count, which stays for good: SCRAM tells them to the client before it knows which
 *   credential is meant, and app passwords are hashed with that salt.
 * - A credential's id is never used again, so a device that is known by it stays what it was.
 */
import { APP_PASSWORDS_LIMIT, type AppPasswordVerifiers } from '../auth/app-password.ts';
import type { PasswordVerifiers } from '../auth/password.ts';
import { type ScramKeys, type ScramParameters, SHA256_BYTES } from '../auth/scram-keys.ts';
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import { nextNumber } from '../store/operations/accounts.ts';
import { removeDevice } from '../store/operations/devices.ts';
import { exists, invalid, missing } from './rules.ts';
import type { Credential, CredentialListing, CredentialUse, SignInProtocol } from './types.ts';

const PARAMETERS = sql<readonly [salt: Uint8Array | null, iterations: number | null]>(
  'SELECT scram_salt, scram_iterations FROM person WHERE account_id = ?',
);
const SET_PARAMETERS = sql('UPDATE person SET scram_salt = ?, scram_iterations = ? WHERE account_id = ?');
const OF_ACCOUNT = sql<
  readonly [
    id: number,
    kind: string,
    label: string,
    protocols: string | null,
    hash: string,
    storedKeys: Uint8Array | null,
    serverKeys: Uint8Array | null,
  ]
>(`
  SELECT credential_id, kind, label, protocols, hash, scram_stored_key, scram_server_key FROM credential
  WHERE account_id = ? AND hash IS NOT NULL ORDER BY credential_id`);
const LIST = sql<
  readonly [
    id: number,
    kind: string,
    label: string,
    protocols: string | null,
    created: number,
    used: number | null,
    protocol: string | null,
    address: string | null,
  ]
>(`
  SELECT credential_id, kind, label, protocols, created, last_used, last_protocol, last_address FROM credential
  WHERE account_id = ? ORDER BY credential_id`);
const SET_PASSWORD = sql(`
  INSERT INTO credential (account_id, credential_id, kind, label, hash, scram_stored_key, scram_server_key, protocols, created, last_used)
  VALUES (?, ?, 'password', '', ?, ?, ?, NULL, ?, NULL)
  ON CONFLICT (account_id, credential_id) DO UPDATE SET hash = excluded.hash, scram_stored_key = excluded.scram_stored_key,
    scram_server_key = excluded.scram_server_key, created = excluded.created, last_used = NULL, last_protocol = NULL,
    last_address = NULL`);
const NOTE_OUTSIDE = sql(`
  INSERT INTO credential (account_id, credential_id, kind, label, hash, protocols, created) VALUES (?, ?, 'password', '', NULL, NULL, ?)
  ON CONFLICT (account_id, credential_id) DO NOTHING`);
const FORGET_PASSWORD = sql(`
  UPDATE credential SET hash = NULL, scram_stored_key = NULL, scram_server_key = NULL WHERE account_id = ? AND credential_id = ?`);
const RENEW = sql(`
  UPDATE credential SET hash = ?, scram_stored_key = ?, scram_server_key = ?
  WHERE account_id = ? AND credential_id = ? AND hash = ?`);
const ADD_APP = sql(`
  INSERT INTO credential (account_id, credential_id, kind, label, hash, scram_stored_key, scram_server_key, protocols, created, last_used)
  VALUES (?, ?, 'app', ?, ?, ?, ?, ?, ?, NULL)`);
const REVOKE = sql('DELETE FROM credential WHERE account_id = ? AND credential_id = ?');
const USED = sql(`
  UPDATE credential SET last_used = ?, last_protocol = ?, last_address = ? WHERE account_id = ? AND credential_id = ?`);

/** The password that everybody has; app passwords count on from here. */
export const PASSWORD_ID = 1;

/** A password as it is kept, with the salt and count of the account. */
export interface StoredPassword {
  readonly verifiers: PasswordVerifiers;
  readonly parameters: ScramParameters;
}

/** An app password as it is kept. */
export interface NewAppPassword {
  readonly label: string;
  /** Null: every protocol. */
  readonly protocols: readonly SignInProtocol[] | null;
  readonly verifiers: AppPasswordVerifiers;
  /** Of the account, as the verifiers were made with. */
  readonly parameters: ScramParameters;
}

/** Salt and count that the account's credentials share. */
export async function scramParameters(tx: Reader, account: AccountId): Promise<ScramParameters | undefined> {
  const [salt, iterations] = (await tx.get(PARAMETERS, account)) ?? [];
  return salt && iterations ? { salt, iterations } : undefined;
}

/** All that a sign-in may be checked against. */
export async function credentialsOf(tx: Reader, account: AccountId): Promise<Credential[]> {
  const rows = await tx.all(OF_ACCOUNT, account);
  return rows.map(([id, kind, label, protocols, hash, storedKeys, serverKeys]) => ({
    id,
    kind: kind === 'app' ? 'app' : 'password',
    label,
    protocols: protocolsOf(protocols),
    hash,
    scram: keysOf(storedKeys, serverKeys),
  }));
}

/** The account's password and app passwords, without what they are checked against. */
export async function listCredentials(tx: Reader, account: AccountId): Promise<CredentialListing[]> {
  const rows = await tx.all(LIST, account);
  return rows.map(([id, kind, label, protocols, created, used, protocol, address]) => ({
    id,
    kind: kind === 'app' ? 'app' : 'password',
    label,
    protocols: protocolsOf(protocols),
    created,
    lastUse: used === null ? null : { at: used, protocol: protocol ?? '', address: address ?? '' },
  }));
}

/** Sets the password of an account; app passwords stay. */
export async function storePassword(tx: Writer, account: AccountId, password: StoredPassword, now: EpochSeconds) {
  const { hash, scram } = password.verifiers;
  const { salt, iterations } = password.parameters;
  await tx.run(SET_PARAMETERS, salt, iterations, account);
  await tx.run(SET_PASSWORD, account, PASSWORD_ID, hash, scram?.storedKey ?? null, scram?.serverKey ?? null, now);
}

/** A password that is checked elsewhere: all that is kept here is when it was used. */
export async function noteOutsidePassword(tx: Writer, account: AccountId, now: EpochSeconds): Promise<void> {
  await tx.run(NOTE_OUTSIDE, account, PASSWORD_ID, now);
}

/** The password is checked elsewhere from now on; app passwords stay. */
export async function forgetPassword(tx: Writer, account: AccountId): Promise<void> {
  await tx.run(FORGET_PASSWORD, account, PASSWORD_ID);
}

/** Replaces what a password is checked against, unless it was changed meanwhile. @returns whether it was replaced */
export async function renewPassword(
  tx: Writer,
  account: AccountId,
  { id, hash }: Pick<Credential, 'id' | 'hash'>,
  { verifiers, parameters }: StoredPassword,
): Promise<boolean> {
  const { storedKey = null, serverKey = null } = verifiers.scram ?? {};
  if ((await tx.run(RENEW, verifiers.hash, storedKey, serverKey, account, id, hash)) === 0) return false;
  await tx.run(SET_PARAMETERS, parameters.salt, parameters.iterations, account);
  return true;
}

/** @returns its id @throws Refused `directory.exists` when the account has one of this label, `directory.invalid` when it has too many */
export async function addAppPassword(
  tx: Writer,
  account: AccountId,
  { label, protocols, verifiers, parameters }: NewAppPassword,
  now: EpochSeconds,
): Promise<number> {
  const others = (await listCredentials(tx, account)).filter(({ kind }) => kind === 'app');
  if (others.some((other) => sameLabel(other.label, label))) {
    throw exists(`There is an app password "${label}" already. Revoke it, or choose another name for the new one.`);
  }
  if (others.length >= APP_PASSWORDS_LIMIT) {
    throw invalid(`An account has at most ${APP_PASSWORDS_LIMIT} app passwords. Revoke those that nobody uses.`);
  }
  await tx.run(SET_PARAMETERS, parameters.salt, parameters.iterations, account);
  const id = PASSWORD_ID + (await nextNumber(tx, 'credential'));
  const storedKeys = Buffer.concat(verifiers.scram.map(({ storedKey }) => storedKey));
  const serverKeys = Buffer.concat(verifiers.scram.map(({ serverKey }) => serverKey));
  await tx.run(ADD_APP, account, id, label, verifiers.hash, storedKeys, serverKeys, protocols?.join(',') ?? null, now);
  return id;
}

/** Revokes the app password of this label or id. @throws Refused `directory.missing` */
export async function revokeAppPassword(tx: Writer, account: AccountId, which: string): Promise<CredentialListing> {
  const all = (await listCredentials(tx, account)).filter(({ kind }) => kind === 'app');
  const found = all.find(({ label }) => sameLabel(label, which)) ?? all.find(({ id }) => String(id) === which);
  if (found === undefined) throw missing(`There is no app password "${which}" in this account.`);
  await tx.run(REVOKE, account, found.id);
  await removeDevice(tx, account, found.id);
  return found;
}

/** Notes when and from where credentials were used; those that are gone by now are left alone. */
export async function recordUses(tx: Writer, uses: readonly CredentialUse[]): Promise<void> {
  for (const { account, credential, at, protocol, address } of uses) {
    await tx.run(USED, at, protocol, address, account, credential);
  }
}

function protocolsOf(text: string | null): SignInProtocol[] | null {
  return text === null ? null : (text.split(',') as SignInProtocol[]);
}

/** Keys are kept one after the other: one for the password, one for each spelling of an app password. */
function keysOf(storedKeys: Uint8Array | null, serverKeys: Uint8Array | null): ScramKeys[] {
  const keys: ScramKeys[] = [];
  if (storedKeys === null || serverKeys === null) return keys;
  for (let start = 0; start < storedKeys.length; start += SHA256_BYTES) {
    const part = [start, start + SHA256_BYTES] as const;
    keys.push({ storedKey: storedKeys.subarray(...part), serverKey: serverKeys.subarray(...part) });
  }
  return keys;
}

function sameLabel(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
