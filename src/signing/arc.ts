/**
 * ARC (RFC 8617): a message that is forwarded takes along what was found when it came, sealed, since its own signatures and its sender's
 * address may not be good for the next server any more.
 */
import type { getARChain } from 'mailauth/lib/arc/index.js';
import type { parseHeaders } from 'mailauth/lib/tools.js';
import { libraries } from '../libraries.ts';
import { Header } from '../message/header.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { SigningKey } from './key.ts';
import type { ReadMessage } from './signable.ts';

/**
 * The next set of a message's chain.
 * @param findings  our Authentication-Results as it stands, without the field's name
 * @returns its lines, each ended by CRLF; empty: there is nothing to seal, since the chain is broken already or was not looked at
 */
export async function arcSet(
  { header, bodyHash }: Pick<ReadMessage, 'header' | 'bodyHash'>,
  findings: string,
  { domain, selector, key }: SigningKey,
  now: EpochSeconds,
): Promise<string> {
  const headers = libraries.mailTools.parseHeaders(header);
  const chain = chainOf(headers);
  const found = chainResult(findings);
  // RFC 8617 5.1.2: a chain that failed stays so, whatever we say; one that nobody has checked must not be called good.
  if (chain === null || (chain.length > 0 && found !== 'pass')) return '';
  const { headers: lines, errors } = await libraries.arc.createSeal(false, {
    headers,
    arc: { chain },
    seal: {
      signingDomain: domain,
      selector,
      privateKey: key.export({ type: 'pkcs8', format: 'pem' }),
      algorithm: 'rsa-sha256',
      signTime: new Date(now * 1_000),
      cv: chain.length === 0 ? 'none' : 'pass',
      authResults: findings,
      bodyHash,
    },
    strict: true,
  });
  if (lines.length === 0 && !errors.every(({ err }) => isAboutTheMessage(err))) throw errors[0]!.err;
  return lines.map((line) => `${line}\r\n`).join('');
}

/** The value of our Authentication-Results among the lines that this server puts before a message; undefined: nothing was looked at. */
export function findingsIn(prefix: Buffer): string | undefined {
  const text = prefix.toString('latin1');
  const header = new Header(text);
  for (let index = 0; index < header.length; index++) {
    if (header.name(index) !== 'authentication-results') continue;
    const field = text.slice(header.start(index), header.end(index));
    return field.slice(field.indexOf(':') + 1).trim();
  }
  return undefined;
}

type Chain = Exclude<ReturnType<typeof getARChain>, false>;

/** The sets that are there; null: they are no chain. */
function chainOf(headers: ReturnType<typeof parseHeaders>): Chain | null {
  try {
    return libraries.arc.getARChain(headers, { strict: true }) || [];
  } catch {
    return null; // mailauth says so by throwing; the field's syntax is the sender's fault
  }
}

/** What was found of the message's chain when it came. Read as RFC 8601 2.2 says: what the sender calls itself stands there too, quoted or in a comment. */
function chainResult(findings: string): unknown {
  const field = Buffer.from(`Authentication-Results: ${findings}`, 'latin1');
  return libraries.mailTools.parseDkimHeaders(field).parsed['arc']?.value;
}

/** A message without a From can't be signed, nor one that has been sealed 50 times: neither is our fault. */
function isAboutTheMessage(error: Error & { readonly code?: string }): boolean {
  return error.code === 'ENOFROM' || error.code === 'EINVALIDINSTANCE' || error.code === 'EARCCHAINFAILED';
}
