/** Keys that mail is signed with (RFC 6376 3.1, RFC 8463), and the records that show them. Pure, but for making one. */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { EpochSeconds } from '../store/ids.ts';

/** Both sign each message: RSA is understood everywhere, Ed25519 is what follows it (RFC 8463 6). */
export const ALGORITHMS = ['rsa', 'ed25519'] as const;
export type KeyAlgorithm = (typeof ALGORITHMS)[number];

/** `waiting`: until the DNS shows its record. `retired`: signs no more; its record stays for a while, for mail that is still to be checked. */
export type KeyState = 'waiting' | 'signing' | 'retired';

export interface DkimKey {
  /** In A-labels. */
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: KeyAlgorithm;
  readonly state: KeyState;
  readonly created: EpochSeconds;
  /** Since when it is in this state. */
  readonly since: EpochSeconds;
  /** As in the record's `p=`. */
  readonly publicKey: string;
}

/** One that signs. Secret: never logged, never shown. */
export interface SigningKey extends Pick<DkimKey, 'domain' | 'selector' | 'algorithm'> {
  readonly key: KeyObject;
}

/** A new key, as it is kept. */
export interface KeyPair {
  /** PEM. Secret. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/** RFC 8301 3.2: verifiers take 1024 to 4096; a record with more than 2048 fits in no small answer. */
const RSA_BITS = 2_048;

const generate = promisify(generateKeyPair);

/** Makes a key, on a thread of its own: RSA takes some tenths of a second. */
export async function newKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } =
    algorithm === 'rsa' ? await generate('rsa', { modulusLength: RSA_BITS }) : await generate('ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicText(publicKey, algorithm),
  };
}

/** A key as it is kept, ready to sign. */
export function readPrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

function publicText(key: KeyObject, algorithm: KeyAlgorithm): string {
  if (algorithm === 'rsa') return key.export({ type: 'spki', format: 'der' }).toString('base64'); // RFC 6376 3.6.1
  return Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url').toString('base64'); // RFC 8463 4.2: the 32 bytes alone
}

/** Where the record of a key stands (RFC 6376 3.6.2.1). */
export function recordName({ selector, domain }: Pick<DkimKey, 'selector' | 'domain'>): string {
  return `${selector}._domainkey.${domain}`;
}

/** What the record says. */
export function recordText({ algorithm, publicKey }: Pick<DkimKey, 'algorithm' | 'publicKey'>): string {
  return `v=DKIM1; k=${algorithm}; p=${publicKey}`;
}

/** What {@link recordFault} says where there is nothing at all under the name. */
export const NO_RECORD = 'there is no such record';

/** What is wrong with the records that were found under a key's name, for people; null: they show the key. */
export function recordFault({ algorithm, publicKey }: DkimKey, records: readonly string[]): string | null {
  if (records.length === 0) return NO_RECORD;
  const [record, ...others] = records.filter((text) => /(?:^|;)\s*p\s*=/i.test(text));
  if (record === undefined) return 'the record there is no key';
  if (others.length > 0) return 'there are several keys under this name'; // RFC 6376 3.6.2.2: what follows is undefined
  const tags = tagsOf(record);
  const { v: version = 'DKIM1', k: kind = 'rsa' } = Object.fromEntries(tags);
  if (version !== 'DKIM1') return `its version is ${version}, not DKIM1`;
  if (kind !== algorithm) return `it says k=${kind}, but this key is ${algorithm}`;
  const shown = tags.get('p')!.replace(/\s/g, '');
  if (shown === '') return 'it says that the key is revoked (an empty p=)';
  if (shown !== publicKey) return isPart(shown, publicKey) ? 'the key is cut off' : 'it shows another key';
  // RFC 6376 3.6.1: lists with colons; without one everything is meant.
  const listed = (name: string) =>
    tags
      .get(name)
      ?.split(':')
      .map((one) => one.trim());
  if (listed('h')?.includes('sha256') === false) return 'its h= leaves out sha256';
  const services = listed('s') ?? ['*'];
  if (!services.includes('*') && !services.includes('email')) return 'its s= leaves out email';
  if (listed('t')?.includes('y') === true) return 'its t=y says that signatures are only tried out';
  return null;
}

/** RFC 6376 3.2. The first of a name counts here; names are lower case. */
function tagsOf(record: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const part of record.split(';')) {
    const [, name, value] = /^\s*([a-z0-9_]+)\s*=\s*(.*?)\s*$/is.exec(part) ?? [];
    if (name !== undefined && !tags.has(name.toLowerCase())) tags.set(name.toLowerCase(), value!);
  }
  return tags;
}

/** What is left of a key when a form cut it at 255 characters, or lost its first part. */
function isPart(shown: string, whole: string): boolean {
  return shown.length < whole.length && (whole.startsWith(shown) || whole.endsWith(shown));
}
