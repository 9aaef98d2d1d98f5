/**
 * The header of a stored message as its signers saw it, within bounds: who sends a message chooses how many signatures it has, and what
 * each of them costs us. Pure.
 */

/** RFC 6376 6.1: a verifier may limit how many signatures it tries. Honest mail has one to four. */
const MOST_SIGNATURES = 10;
/** RFC 8617 4.2.1 has room for 50 seals, each over all before it. Honest mail has one to three. */
const MOST_SEALS = 10;
/** Of one signature: a longer one could name so many fields (`h=`) that looking for them takes long. */
const MOST_SIGNATURE_CHARACTERS = 8_192;
/** More than any server writes. */
const MOST_FIELDS = 1_000;
export const MOST_HEADER_BYTES = 256 * 1024;

/**
 * Without our own Received line, which is the first, and without signatures beyond the bounds: they count as not there.
 * @param header with the blank line, if there is one
 * @returns undefined when it is too large to be looked at
 */
export function signedHeader(header: Buffer): Buffer | undefined {
  if (header.length > MOST_HEADER_BYTES) return undefined;
  const [ours = '', ...fields] = header.toString('latin1').split(/\r\n(?![ \t])/);
  if (fields.length > MOST_FIELDS) return undefined;
  let signatures = 0;
  const hasTooManySeals = fields.filter((field) => /^arc-seal[ \t]*:/i.test(field)).length > MOST_SEALS;
  const kept = fields.filter((field) => {
    if (hasTooManySeals && /^arc-/i.test(field)) return false;
    const isSignature = /^dkim-signature[ \t]*:/i.test(field);
    if (!isSignature && !/^arc-message-signature[ \t]*:/i.test(field)) return true;
    if (field.length > MOST_SIGNATURE_CHARACTERS) return false;
    return !isSignature || ++signatures <= MOST_SIGNATURES; // only the newest of ARC's is verified, whatever their number
  });
  if (kept.length === fields.length) return header.subarray(ours.length + 2);
  return Buffer.from(kept.join('\r\n'), 'latin1');
}
