/**
 * A DKIM signature (RFC 6376): the line that goes before a message. The canonical forms are mailauth's; the signature itself is made outside
 * the event loop.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { ParsedField } from 'mailauth/lib/tools.js';
import { libraries } from '../libraries.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { SigningKey } from './key.ts';

/**
 * Signed once more than they are there, so that nobody can add another (RFC 6376 8.15). All of them are seen by people, or decide what they see
 * (RFC 6376 5.4.1); whoever forwards a message as it is changes none.
 */
const SEALED = [
  'From',
  'Sender',
  'Reply-To',
  'Subject',
  'Date',
  'Message-ID',
  'To',
  'Cc',
  'In-Reply-To',
  'References',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
];
/** Signed where they are there: others may add their own. */
const SIGNED = [
  'Content-ID',
  'Content-Description',
  'Resent-Date',
  'Resent-From',
  'Resent-Sender',
  'Resent-To',
  'Resent-Cc',
  'Resent-Message-ID',
  'List-Id',
  'List-Help',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'List-Subscribe',
  'List-Post',
  'List-Owner',
  'List-Archive',
];

/** A message as it is signed. */
export interface Signable {
  /** From the first field on. */
  readonly fields: readonly ParsedField[];
  /** SHA-256 of the body in its relaxed form, Base64. */
  readonly bodyHash: string;
}

/** @returns the whole line, ended by CRLF */
export async function dkimSignature(
  { fields, bodyHash }: Signable,
  { domain, selector, algorithm, key }: SigningKey,
  now: EpochSeconds,
): Promise<string> {
  const { canonicalizedHeader, dkimHeaderOpts } = libraries.dkimHeader.generateCanonicalizedHeader(
    'DKIM',
    signedFields(fields),
    {
      canonicalization: 'relaxed/relaxed',
      algorithm: `${algorithm}-sha256`,
      signingDomain: domain,
      selector,
      bodyHash,
      timestamp: now,
    },
  );
  // RFC 8463 3: Ed25519 signs the hash, not the text.
  const signature =
    algorithm === 'rsa'
      ? await signed('sha256', canonicalizedHeader, key)
      : await signed(null, createHash('sha256').update(canonicalizedHeader).digest(), key);
  return `${libraries.mailTools.formatSignatureHeaderLine('DKIM', { ...dkimHeaderOpts, b: signature.toString('base64') }, true)}\r\n`;
}

/** The fields to sign, those of one name from the last to the first (RFC 6376 5.4.2). */
function signedFields(fields: readonly ParsedField[]): { keys: string; headers: ParsedField[] } {
  const keys: string[] = [];
  const headers: ParsedField[] = [];
  for (const [names, once] of [
    [SEALED, true],
    [SIGNED, false],
  ] as const) {
    for (const name of names) {
      const found = fields.filter(({ key }) => key === name.toLowerCase()).reverse();
      headers.push(...found);
      keys.push(...found.map(() => name));
      if (once) keys.push(name);
    }
  }
  return { keys: keys.join(': '), headers };
}

/** On a thread of its own: RSA takes half a millisecond. */
function signed(algorithm: 'sha256' | null, data: Buffer, key: KeyObject): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  sign(algorithm, data, key, (error, signature) => (error ? reject(error) : resolve(signature)));
  return promise;
}
