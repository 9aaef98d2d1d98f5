/**
 * The key of a backup repository: 32 random bytes, from which the keys in use are derived, one for each purpose. Who has the repository
 * but not the key learns nothing but sizes and times; who loses the key loses the backups.
 *
 * For people it is 56 letters and digits in groups of four: base32 without I, L, O and U, the last 24 bits a checksum, so that a slip of the
 * pen is told from a wrong key.
 */
import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refused } from '../../errors.ts';

const KEY_BYTES = 32;
const CHECK_BYTES = 3;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class RepositoryKey {
  readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES) throw new Error(`a repository key has ${KEY_BYTES} bytes`);
    this.bytes = Buffer.from(bytes);
  }

  static generate(): RepositoryKey {
    return new RepositoryKey(randomBytes(KEY_BYTES));
  }

  /** Reads a key as a person typed it: small letters, spaces and hyphens are welcome. @throws Refused `backup.key` */
  static parse(text: string): RepositoryKey {
    const letters = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
    const bytes = decodeBase32(letters);
    if (bytes === undefined || bytes.length !== KEY_BYTES + CHECK_BYTES) {
      throw new Refused('backup.key', 'This is not a backup key: it has 56 letters and digits, in 14 groups of four.');
    }
    const key = bytes.subarray(0, KEY_BYTES);
    if (!bytes.subarray(KEY_BYTES).equals(checksum(key))) {
      throw new Refused('backup.key', 'A letter of the backup key is wrong: compare it with what was printed.');
    }
    return new RepositoryKey(key);
  }

  /** For people: print it, keep it on paper. */
  format(): string {
    const letters = encodeBase32(Buffer.concat([this.bytes, checksum(this.bytes)]));
    return letters.match(/.{4}/g)!.join('-');
  }

  /** The keys in use in one repository. */
  derive(repositoryId: string): DerivedKeys {
    const purpose = (name: string): Buffer =>
      Buffer.from(hkdfSync('sha256', this.bytes, repositoryId, `rainmail backup ${name}`, KEY_BYTES));
    return { names: purpose('names'), content: purpose('content'), check: purpose('check') };
  }
}

export interface DerivedKeys {
  /** Names chunks: HMAC-SHA-256 of their plain text. */
  readonly names: Buffer;
  /** Encrypts everything: AES-256-GCM. */
  readonly content: Buffer;
  /** Is compared with what the repository notes, so that a wrong key is told before anything is read. */
  readonly check: Buffer;
}

/** What a repository notes of its key: tells whether a key is the right one, and nothing else of it. */
export function keyCheck(keys: DerivedKeys): string {
  return createHmac('sha256', keys.check).update('rainmail backup key').digest().toString('base64');
}

export function isKeyFor(keys: DerivedKeys, noted: string): boolean {
  const [ours, theirs] = [Buffer.from(keyCheck(keys)), Buffer.from(noted)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

function checksum(key: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from('rainmail backup key'), key]), 'buffer').subarray(0, CHECK_BYTES);
}

function encodeBase32(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 5) {
    const number = bytes.readUIntBE(at, 5);
    for (let shift = 35; shift >= 0; shift -= 5) text += ALPHABET[Math.floor(number / 2 ** shift) % 32];
  }
  return text;
}

function decodeBase32(text: string): Buffer | undefined {
  if (text.length % 8 !== 0) return undefined;
  const bytes = Buffer.alloc((text.length / 8) * 5);
  for (let at = 0; at < text.length; at += 8) {
    let number = 0;
    for (const letter of text.slice(at, at + 8)) {
      const value = ALPHABET.indexOf(letter);
      if (value === -1) return undefined;
      number = number * 32 + value;
    }
    bytes.writeUIntBE(number, (at / 8) * 5, 5);
  }
  return bytes;
}
