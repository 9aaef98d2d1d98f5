/**
 * SCRAM-SHA-256 keys (RFC 5802 3, RFC 7677). They are made when a password is set: later the server can check a proof without ever
 * seeing the password. Whoever steals them can try passwords against them, but can't sign in with them.
 */
import { createHmac, hash, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { preparePassword } from './prepare.ts';

const derive = promisify(pbkdf2);

/**
 * Four times the least of RFC 7677 4. More would slow whoever tries stolen keys, but every client pays it at every sign-in (a few
 * ms here; a phone's mail program written in a script language, a second at ten times this). It is kept per account, so it may rise.
 */
export const SCRAM_ITERATIONS = 16_384;
const SCRAM_SALT_BYTES = 16;
export const SHA256_BYTES = 32;

/** What one credential leaves on the server. */
export interface ScramKeys {
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** One salt and count for all credentials of an account: the client hears them before it says which credential it uses. */
export interface ScramParameters {
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Derives the keys of a password (RFC 5802 3); runs outside the event loop. */
export async function deriveScramKeys(password: string, { salt, iterations }: ScramParameters): Promise<ScramKeys> {
  const salted = await derive(preparePassword(password), salt, iterations, SHA256_BYTES, 'sha256');
  return { storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') };
}

/** Does the proof show knowledge of the password behind these keys (RFC 5802 3)? Takes the same time whatever the answer. */
export function provesClientKey(keys: ScramKeys, authMessage: string, proof: Uint8Array): boolean {
  if (proof.length !== SHA256_BYTES) return false;
  const clientKey = hmac(keys.storedKey, authMessage); // ClientSignature; XOR with the proof gives ClientKey
  for (let i = 0; i < clientKey.length; i++) clientKey[i]! ^= proof[i]!;
  return timingSafeEqual(sha256(clientKey), keys.storedKey);
}

/** ServerSignature: shows the client that we know its keys, too (RFC 5802 3). */
export function serverSignature(keys: ScramKeys, authMessage: string): Buffer {
  return hmac(keys.serverKey, authMessage);
}

/**
 * Salt and count of a name: of the account that has it, or will have it, and what it is told while nobody has it (RFC 5802 9). Derived from a
 * secret of the office, so that asking tells neither who is there, nor who came lately, nor whose keys are still to be made.
 */
export function scramParametersFor(secret: Uint8Array, name: string): ScramParameters {
  return {
    salt: hmac(secret, `scram-salt\0${name}`).subarray(0, SCRAM_SALT_BYTES),
    iterations: SCRAM_ITERATIONS,
  };
}

/** Does an account that brings these seem like any other? */
export function areUsual({ salt, iterations }: ScramParameters): boolean {
  return salt.length === SCRAM_SALT_BYTES && iterations === SCRAM_ITERATIONS;
}

function hmac(key: Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function sha256(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}
