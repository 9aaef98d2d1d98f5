/**
 * Password hashes that other servers made, as they come with an import: read, bounded and put into one form, and checked at a sign-in.
 *
 * A hash is taken only when checking it costs no more than {@link MOST} allows: one that somebody made costly can't be a way to stop the
 * server. What is slow runs outside the event loop. No text of an error holds the hash.
 *
 * Form: crypt's own (`$6$salt$hash`), else `{SCHEME}value`. Digests (SSHA and the like) are kept in Base64, with the salt, if any, after the digest.
 */
import { hash as digestOf, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { verify as verifyArgon2 } from '@node-rs/argon2';
import { Refused } from '../../errors.ts';
import { libraries } from '../../libraries.ts';
import { deriveScramKeys, type ScramKeys, type ScramParameters, SHA256_BYTES } from '../scram-keys.ts';
import { crypt } from './crypt.ts';

const derive = promisify(pbkdf2);

/** Each about a second of a core at most. */
const MOST = {
  argonMebibytes: 256,
  /** Memory times passes. */
  argonMebibytePasses: 1_024,
  argonLanes: 64,
  bcryptCost: 14,
  shaCryptRounds: 200_000,
  pbkdf2Iterations: 1_000_000,
} as const;

/** What an import says of a password: the password itself, or a hash in our form. */
export type ImportedSecret =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'hash'; readonly hash: string };

interface Scheme {
  /** As it is called in braces, upper case. */
  readonly names: readonly string[];
  /** Puts what stands after the braces into our form. @throws Refused */
  readonly read: (value: string, encoding: Encoding | undefined) => ImportedSecret;
}

type Encoding = 'base64' | 'hex';

const DIGESTS = {
  SSHA: { algorithm: 'sha1', bytes: 20 },
  SSHA256: { algorithm: 'sha256', bytes: 32 },
  SSHA512: { algorithm: 'sha512', bytes: 64 },
  SMD5: { algorithm: 'md5', bytes: 16 },
} as const;
const SALT_LIMIT = 128;

const ENCODINGS: Readonly<Record<string, Encoding>> = { B64: 'base64', BASE64: 'base64', HEX: 'hex' };
const plain: Scheme['read'] = (password) => ({ kind: 'password', password });
const cryptic: Scheme['read'] = (value) => ({ kind: 'hash', hash: readCrypt(value) });

const SCHEMES: readonly Scheme[] = [
  { names: ['PLAIN', 'CLEARTEXT', 'CLEAR'], read: plain },
  {
    names: [
      'CRYPT',
      'ARGON2ID',
      'ARGON2I',
      'ARGON2',
      'BLF-CRYPT',
      'BCRYPT',
      'SHA512-CRYPT',
      'SHA256-CRYPT',
      'MD5-CRYPT',
      'MD5',
    ],
    read: cryptic,
  },
  { names: ['SHA', 'SHA1', 'SSHA'], read: digest('SSHA') },
  { names: ['SHA256', 'SSHA256'], read: digest('SSHA256') },
  { names: ['SHA512', 'SSHA512'], read: digest('SSHA512') },
  { names: ['LDAP-MD5', 'PLAIN-MD5', 'SMD5'], read: digest('SMD5') },
  { names: ['PBKDF2'], read: readPbkdf2 },
  { names: ['SCRAM-SHA-256'], read: readScram },
];
/** Schemes that exist and can't be taken: the error may name them. */
const NOT_TAKEN = [
  'DES-CRYPT',
  'CRAM-MD5',
  'DIGEST-MD5',
  'HMAC-MD5',
  'SCRAM-SHA-1',
  'SKEY',
  'OTP',
  'RPA',
  'LANMAN',
  'NTLM',
  'PLAIN-MD4',
  'PLAIN-TRUNC',
  'YESCRYPT',
];

const BRACES = /^\{([^{}]{1,40})\}(.*)$/s;
const ARGON2 =
  /^\$argon2(?:id|i)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SHA_CRYPT = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:\s]{0,16})\$([./A-Za-z0-9]+)$/;
const MD5_CRYPT = /^\$(1|apr1)\$([^$:\s]{0,8})\$[./A-Za-z0-9]{22}$/;
const PBKDF2 = /^\$1\$([!-#%-~]{1,64})\$(\d{1,9})\$([0-9a-f]{40})$/;
const SCRAM = /^(\d{1,9}),([A-Za-z0-9+/]{8,128}={0,2}),([A-Za-z0-9+/]{43}=),([A-Za-z0-9+/]{43}=)$/;
const DIGEST = /^\{(SSHA|SSHA256|SSHA512|SMD5)\}(.+)$/;

/** SHA-crypt's, where none are given, and its least. */
const SHA_CRYPT_ROUNDS = 5_000;
const SHA_CRYPT_LEAST = 1_000;

/**
 * Reads what stands in the password field of another server's file.
 * @throws Refused `directory.invalid` for what can't be checked here, or would cost too much; its text holds nothing of the field
 */
export function readSecret(text: string): ImportedSecret {
  const [, name, value = ''] = BRACES.exec(text) ?? [];
  if (name === undefined) return { kind: 'hash', hash: readCrypt(text) };
  const [scheme = '', suffix] = name.toUpperCase().split('.', 2);
  const found = SCHEMES.find(({ names }) => names.includes(scheme));
  if (found !== undefined) return found.read(value, suffix === undefined ? undefined : ENCODINGS[suffix]);
  throw refused(
    NOT_TAKEN.includes(scheme) ? `Hashes of the scheme ${scheme} can't be taken` : 'The scheme is not known',
  );
}

/** Salt, count and keys of a SCRAM hash; null for others. */
export function scramOf(hash: string): { readonly parameters: ScramParameters; readonly keys: ScramKeys } | null {
  if (!hash.startsWith('{SCRAM-SHA-256}')) return null;
  const [, iterations, salt = '', storedKey = '', serverKey = ''] = SCRAM.exec(hash.slice('{SCRAM-SHA-256}'.length))!;
  return {
    parameters: { salt: Buffer.from(salt, 'base64'), iterations: Number(iterations) },
    keys: { storedKey: Buffer.from(storedKey, 'base64'), serverKey: Buffer.from(serverKey, 'base64') },
  };
}

/** True where checking costs next to nothing: a wrong password would be told apart by the time it takes. */
export function isCheap(hash: string): boolean {
  return DIGEST.test(hash);
}

/** Checks a password against a hash in our form. */
export async function verifyForeign(hash: string, password: string): Promise<boolean> {
  if (hash.startsWith('$argon2')) return verifyArgon2(hash, password);
  if (hash.startsWith('$2')) return libraries.bcrypt.verify(password, hash);
  if (hash.startsWith('$')) return verifyCrypt(hash, password);
  const [, scheme, value] = DIGEST.exec(hash) ?? [];
  if (scheme !== undefined)
    return verifyDigest(scheme as keyof typeof DIGESTS, Buffer.from(value!, 'base64'), password);
  const scram = scramOf(hash);
  if (scram !== null) {
    const { storedKey } = await deriveScramKeys(password, scram.parameters);
    return timingSafeEqual(storedKey, scram.keys.storedKey);
  }
  return verifyPbkdf2(hash.slice('{PBKDF2}'.length), password);
}

// ---- crypt(3) and its kin ------------------------------------------------------------------------------------------

/** @returns the hash as it is; it needs no scheme before it */
function readCrypt(text: string): string {
  if (text.startsWith('$argon2')) {
    const [, kibibytes, passes, lanes] = ARGON2.exec(text) ?? [];
    if (kibibytes === undefined) throw refused('The Argon2 hash is not of version 1.3, or damaged');
    const mebibytes = Number(kibibytes) / 1_024;
    const tooMuch = mebibytes > MOST.argonMebibytes || mebibytes * Number(passes) > MOST.argonMebibytePasses;
    if (tooMuch || Number(lanes) > MOST.argonLanes) throw tooCostly('Argon2');
    return text;
  }
  const bcrypt = BCRYPT.exec(text);
  if (bcrypt !== null) {
    if (Number(bcrypt[1]) > MOST.bcryptCost || Number(bcrypt[1]) < 4) throw tooCostly('bcrypt');
    return text;
  }
  const sha = SHA_CRYPT.exec(text);
  if (sha !== null && sha[4]!.length === (sha[1] === '5' ? 43 : 86)) {
    if (Number(sha[2] ?? 0) > MOST.shaCryptRounds) throw tooCostly('SHA-crypt');
    return text;
  }
  if (MD5_CRYPT.test(text)) return text;
  if (/^\$(?:y|gy|7)\$/.test(text)) throw refused("Hashes of yescrypt and scrypt can't be taken");
  if (/^[./A-Za-z0-9]{13}$/.test(text)) throw refused("Hashes of the old DES crypt can't be taken");
  throw refused('It is no hash of a known kind');
}

async function verifyCrypt(hash: string, password: string): Promise<boolean> {
  const sha = SHA_CRYPT.exec(hash);
  if (sha === null) {
    const [, variant, salt] = MD5_CRYPT.exec(hash)!;
    return sameText(await crypt({ variant: variant as '1' | 'apr1', password, salt: salt!, rounds: 0 }), hash);
  }
  const [, variant, given, salt, expected] = sha;
  const rounds = given === undefined ? SHA_CRYPT_ROUNDS : Math.max(SHA_CRYPT_LEAST, Number(given));
  return sameText(await crypt({ variant: variant as '5' | '6', password, salt: salt!, rounds }), expected!);
}

// ---- digests -------------------------------------------------------------------------------------------------------

/** Unsalted digests are those whose salt is empty. */
function digest(scheme: keyof typeof DIGESTS): Scheme['read'] {
  const { bytes } = DIGESTS[scheme];
  return (value, encoding) => {
    const isHex =
      encoding === 'hex' || (encoding === undefined && /^[0-9a-f]+$/i.test(value) && value.length === 2 * bytes);
    if (!(isHex ? /^(?:[0-9a-f]{2})+$/i : /^[A-Za-z0-9+/]+={0,2}$/).test(value)) throw damaged(scheme);
    const raw = Buffer.from(value, isHex ? 'hex' : 'base64');
    if (raw.length < bytes || raw.length > bytes + SALT_LIMIT) throw damaged(scheme);
    return { kind: 'hash', hash: `{${scheme}}${raw.toString('base64')}` };
  };
}

function verifyDigest(scheme: keyof typeof DIGESTS, raw: Buffer, password: string): boolean {
  const { algorithm, bytes } = DIGESTS[scheme];
  const made = digestOf(algorithm, Buffer.concat([Buffer.from(password), raw.subarray(bytes)]), 'buffer');
  return timingSafeEqual(made, raw.subarray(0, bytes));
}

// ---- derived keys --------------------------------------------------------------------------------------------------

function readPbkdf2(value: string): ImportedSecret {
  const [, , iterations] = PBKDF2.exec(value) ?? [];
  if (iterations === undefined) throw damaged('PBKDF2');
  if (Number(iterations) > MOST.pbkdf2Iterations || Number(iterations) === 0) throw tooCostly('PBKDF2');
  return { kind: 'hash', hash: `{PBKDF2}${value}` };
}

async function verifyPbkdf2(value: string, password: string): Promise<boolean> {
  const [, salt, iterations, expected] = PBKDF2.exec(value)!;
  const made = await derive(password, salt!, Number(iterations), 20, 'sha1');
  return timingSafeEqual(made, Buffer.from(expected!, 'hex'));
}

function readScram(value: string): ImportedSecret {
  const [, iterations, , storedKey = ''] = SCRAM.exec(value) ?? [];
  if (iterations === undefined || Buffer.from(storedKey, 'base64').length !== SHA256_BYTES)
    throw damaged('SCRAM-SHA-256');
  if (Number(iterations) > MOST.pbkdf2Iterations || Number(iterations) === 0) throw tooCostly('SCRAM-SHA-256');
  return { kind: 'hash', hash: `{SCRAM-SHA-256}${value}` };
}

// --------------------------------------------------------------------------------------------------------------------

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function damaged(scheme: string): Refused {
  return refused(`The hash of the scheme ${scheme} is damaged`);
}

function tooCostly(scheme: string): Refused {
  return refused(`The ${scheme} hash would take too long at each sign-in`);
}

function refused(what: string): Refused {
  return new Refused('directory.invalid', `${what}. Leave the hash out and give a new password instead.`);
}
