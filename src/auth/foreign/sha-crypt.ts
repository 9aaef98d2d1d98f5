/**
 * SHA-256-crypt and SHA-512-crypt ($5$, $6$), after Ulrich Drepper's specification in the public domain
 * (https://www.akkadia.org/drepper/SHA-crypt.txt), over the digests of node:crypto. The step numbers are the specification's.
 *
 * Of our own, because the package for it does not verify passwords of just 32 or 64 bytes. The tests compare it with the
 * implementations of three other programs.
 */
import { createHash, hash } from 'node:crypto';

const VARIANTS = {
  '5': { algorithm: 'sha256', bytes: 32 },
  '6': { algorithm: 'sha512', bytes: 64 },
} as const;

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * The last field of a hash: what stands after the salt.
 * @param salt  at most 16 bytes
 */
export function shaCrypt(variant: keyof typeof VARIANTS, password: Buffer, salt: Buffer, rounds: number): string {
  const { algorithm, bytes } = VARIANTS[variant];
  const digest = (...parts: readonly Uint8Array[]) => hash(algorithm, Buffer.concat(parts), 'buffer');
  const { length } = password;

  const b = digest(password, salt, password); // 4-8
  const byBits: Uint8Array[] = [];
  for (let rest = length; rest > 0; rest >>= 1) byBits.push(rest & 1 ? b : password);
  const a = digest(password, salt, repeated(b, length), ...byBits); // 1-3, 9-12
  const p = repeated(repeatedDigest(algorithm, password, length), length); // 13-16
  const s = repeated(repeatedDigest(algorithm, salt, 16 + a[0]!), salt.length); // 17-20
  let c: Buffer = a;
  for (let round = 0; round < rounds; round++) {
    const odd = round % 2 === 1; // 21
    const parts = [odd ? p : c];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? c : p);
    c = digest(...parts);
  }
  return encode(c, bytes);
}

function repeatedDigest(algorithm: string, data: Buffer, times: number): Buffer {
  const digest = createHash(algorithm);
  for (let time = 0; time < times; time++) digest.update(data);
  return digest.digest();
}

function repeated(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

/** Step 22: three bytes from the thirds of the digest make four signs; which third comes first changes in turn. */
function encode(digest: Buffer, bytes: 32 | 64): string {
  const third = Math.floor(bytes / 3);
  let text = '';
  for (let i = 0; i < third; i++) {
    const places = [i, i + third, i + 2 * third];
    const turn = bytes === 64 ? i % 3 : (3 - (i % 3)) % 3;
    const [high, middle, low] = [...places.slice(turn), ...places.slice(0, turn)].map((place) => digest[place]!);
    text += signs((high! << 16) | (middle! << 8) | low!, 4);
  }
  return text + (bytes === 64 ? signs(digest[63]!, 2) : signs((digest[31]! << 8) | digest[30]!, 3));
}

/** So many signs of six bits each, the lowest first. */
function signs(value: number, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += ALPHABET[(value >> (6 * i)) & 63];
  return text;
}
