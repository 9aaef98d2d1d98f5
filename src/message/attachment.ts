/** What a mail client would show with a paper clip (RFC 8621 4.1.4 hasAttachment). */
import type { Part } from './analysis.ts';
import { parameter } from './parameters.ts';

/** Parts that say something about others rather than being something to open. */
const SERVICE_TYPES: ReadonlySet<string> = new Set([
  'application/pgp-signature',
  'application/pgp-encrypted',
  'application/pkcs7-signature',
  'application/x-pkcs7-signature',
  'message/delivery-status',
  'message/disposition-notification',
  'message/feedback-report',
  'text/rfc822-headers',
]);

/**
 * Is this part, which is no multipart, an attachment? Texts are when they say so or have a name; pictures are not when they say that
 * they belong into the text or stand in a multipart/related.
 *
 * @param parent of the entity around it
 */
export function isAttachment(part: Part, parent: { readonly type: string; readonly subtype: string }): boolean {
  if (SERVICE_TYPES.has(`${part.type}/${part.subtype}`)) return false;
  if (part.disposition === 'attachment') return true;
  if (part.type === 'multipart') return false;
  if (part.type === 'text') return part.disposition !== 'inline' && isNamed(part);
  const related = parent.type === 'multipart' && parent.subtype === 'related';
  return !related && !(part.disposition === 'inline' && part.id !== undefined);
}

function isNamed(part: Part): boolean {
  return parameter(part.dispositionParams, 'filename') !== null || parameter(part.params, 'name') !== null;
}
