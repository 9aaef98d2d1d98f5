/** Whether what was found proves that a message is from whom it says, whatever its domain asks for where that fails. Pure. */
import { domainOf } from '../../message/addresses.ts';
import { inAscii } from './ascii-domain.ts';
import type { Authentication, Finding } from './types.ts';

/**
 * DMARC passed, or a sealer that is believed saw it pass; where the domain says nothing of DMARC, or nobody asked: a signature or SPF passed for the author's
 * domain itself, which is stricter than DMARC would be.
 * @param authors  of From
 */
export function provesAuthor(
  { dmarc, arc, spf, dkim }: Authentication,
  authors: readonly { readonly domain: string }[],
): boolean {
  if (dmarc?.result === 'pass') return true;
  const [author, ...others] = authors;
  if (author === undefined || others.length > 0 || dmarc?.result === 'permerror') return false;
  if (arc?.vouchedBy !== undefined) return true;
  if (dmarc?.result === 'fail') return false;
  return [...dkim, ...(spf ? [spf] : [])].some((finding) => passedFor(finding, author.domain));
}

function passedFor({ result, domain, partial }: Finding, author: string): boolean {
  return result === 'pass' && partial !== true && domain !== undefined && inAscii(domain) === inAscii(author);
}

/** The domain of the envelope's sender says that its mail does not come from there (RFC 7208 2.6.4, 2.6.5). */
export function isDisowned({ spf }: Authentication): boolean {
  return spf?.result === 'fail' || spf?.result === 'softfail';
}

/** And no signature of that domain says otherwise, as on mail that was forwarded: so it is not from there, whoever its author is. */
export function isBorrowed(found: Authentication, sender: string): boolean {
  const domain = domainOf(sender);
  return isDisowned(found) && !found.dkim.some((finding) => passedFor(finding, domain));
}
