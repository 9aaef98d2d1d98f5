/**
 * Sealing: AES-256-GCM with a random nonce for each object, 12 bytes nonce, cipher text, 16 bytes tag. What an object is (its `label`) is
 * authenticated with it, so that a sound object in another's place is as wrong as a damaged one. One key seals up to 2^32 objects
 * (NIST SP 800-38D 8.3): a quarter of a petabyte in the smallest chunks.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES;

export function seal(key: Buffer, label: Uint8Array, plain: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(SEAL_BYTES + plain.length);
  sealInto(sealed, key, label, plain);
  return sealed;
}

/** As {@link seal}, into the beginning of `target`, which has room. @returns bytes written */
export function sealInto(target: Buffer, key: Buffer, label: Uint8Array, plain: Uint8Array): number {
  const nonce = target.subarray(0, NONCE_BYTES);
  randomFillSync(nonce);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(label);
  target.set(cipher.update(plain), NONCE_BYTES);
  cipher.final();
  target.set(cipher.getAuthTag(), NONCE_BYTES + plain.length);
  return SEAL_BYTES + plain.length;
}

/** @returns the plain text, or undefined when the object is damaged, another one, or sealed with another key */
export function unseal(key: Buffer, label: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < SEAL_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(label);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined; // the tag is wrong: that is what it says
  }
  return plain;
}
