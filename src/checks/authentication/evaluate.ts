/**
 * Finds out who sent a message: iprev, SPF, DKIM, ARC and DMARC, by mailauth, to the letter of the RFCs (`strict`).
 *
 * Invariants:
 * - A signature that leaves a part of the body unsigned (`l=`) proves nothing for DMARC: anybody can add to such a message (RFC 6376 8.2).
 * - DMARC answers for the author whom people are shown, or for nobody: what can be read in two ways has no author.
 * - DMARC fails only where the DNS has said so: if what could not be asked might have proved the sender, it is a temporary error.
 * - A message costs a bounded time: who sends it chooses how many signatures it has, of what kind, and how long its lines are.
 */
import type { ARCData, ARCResult, DKIMResult, SPFResult } from 'mailauth';
import type { DkimVerifier } from 'mailauth/lib/dkim/dkim-verifier.js';
import { Refused } from '../../errors.ts';
import { libraries } from '../../libraries.ts';
import { piecesOf, WholeLines } from '../../message/whole-lines.ts';
import { Pace } from '../../pace.ts';
import { inAscii, withAsciiDomain } from './ascii-domain.ts';
import { iprev } from './iprev.ts';
import type { Keys } from './keys.ts';
import type { Lookups } from './lookups.ts';
import { signedHeader } from './signed-header.ts';
import type { ArcFinding, Authentication, DmarcFinding, Finding } from './types.ts';

/** RFC 8301 3.2: shorter RSA keys must not be believed. */
const LEAST_KEY_BITS = 1_024;
/** RFC 6376 3.4, 3.5: canonical forms and lengths in which one body is hashed. Honest signers choose one or two. */
const MOST_BODY_HASHES = 3;
/** RFC 9989 4.10: after the whole name, the walk up the tree goes on with so many labels at most. */
const MOST_WALKED = 7;
/** RFC 5322 2.1.1 has room for 998. */
const LONGEST_LINE = 512 * 1024;
/** Bytes hashed in one turn of the event loop: some milliseconds, if they are lines of blanks. */
const PIECE = 16 * 1024;
const STRICT = { strict: true, minBitLength: LEAST_KEY_BITS } as const;

export interface Sender {
  readonly address: string;
  readonly helo: string;
  /** Reverse path; empty for the null sender. */
  readonly sender: string;
}

export interface Methods {
  readonly spf: boolean;
  readonly dmarc: boolean;
  /** Lower case: domains whose ARC seals are believed. */
  readonly sealers: ReadonlySet<string>;
  /** How this server calls itself. */
  readonly hostname: string;
}

export interface Content {
  /** With the blank line, as it is stored. */
  readonly header: Buffer;
  /** What follows. */
  readonly body: AsyncIterable<Buffer>;
  /** Of From, as people here are shown them. */
  readonly authors: readonly { readonly domain: string }[];
}

export interface Sources {
  readonly lookups: Lookups;
  readonly keys: Keys;
}

/**
 * @returns undefined when the header is too large to be looked at
 * @throws Refused `message.too-large` when the body can't be looked at, `check.failed` when that takes too long
 */
export async function evaluate(
  from: Sender,
  { header, body, authors }: Content,
  methods: Methods,
  { lookups, keys }: Sources,
): Promise<Authentication | undefined> {
  const signed = signedHeader(header);
  if (signed === undefined) return undefined;
  if (methods.dmarc) askPolicyAhead(authors, lookups);
  const [name, spf, verifier] = await Promise.all([
    iprev(from.address, lookups),
    methods.spf ? askSpf(from, methods.hostname, lookups) : undefined,
    verify(signed, body, { lookups, keys }),
  ]);
  const arc = await libraries.arc.arc(verifier.arc, { ...STRICT, resolver: lookups.resolve, ip: from.address });
  const dmarc = methods.dmarc ? await askDmarc(verifier, authors, spf, arc, lookups) : undefined;
  return {
    iprev: name,
    dkim: verifier.results.map(({ status, info, signingDomain }) => ({
      ...findingOf(status.result, info, signingDomain),
      ...((status.underSized ?? 0) > 0 && { partial: true }),
    })),
    ...(spf && { spf: findingOf(spf.status.result, spf.info, spf.domain) }),
    ...(arc.status.result !== 'none' && { arc: arcFinding(arc, verifier.arc, methods.sealers) }),
    ...(dmarc && { dmarc }),
  };
}

/** What DMARC will want to know of the author's domain, when all else has been found out (RFC 9989 4.10). */
function askPolicyAhead([author]: Content['authors'], lookups: Lookups): void {
  if (author === undefined) return;
  const labels = inAscii(author.domain).split('.');
  if (labels.length > 2) for (const type of ['A', 'CNAME'] as const) lookups.ahead(labels.join('.'), type); // np= is for what does not exist
  for (let from = 0; from < labels.length; from = Math.max(from + 1, labels.length - MOST_WALKED)) {
    lookups.ahead(`_dmarc.${labels.slice(from).join('.')}`, 'TXT');
  }
}

/** The null sender is asked about by its HELO name (RFC 7208 2.4). */
function askSpf({ address, helo, sender }: Sender, hostname: string, lookups: Lookups): Promise<SPFResult> {
  const asked = { sender: withAsciiDomain(sender), ip: address, helo, mta: hostname };
  return libraries.spf.spf({ ...asked, resolver: lookups.resolve, strict: true });
}

/**
 * The library's stream looks at every byte of the header by itself, which takes longer than all the rest; here the header is known.
 * @throws Refused `message.too-large` for a line that is too long, `check.failed`
 */
async function verify(header: Buffer, body: AsyncIterable<Buffer>, { lookups, keys }: Sources): Promise<DkimVerifier> {
  const verifier = new libraries.dkimVerifier.DkimVerifier({ ...STRICT, resolver: lookups.resolve });
  verifier.keyCache = keys.for(lookups);
  verifier.arc.keyCache = verifier.keyCache;
  await verifier.emitHeaders(header);
  boundHashes(verifier);
  for (const { selector, signingDomain } of verifier.signatureHeaders) {
    // The library asks for one after the other: the first could keep the others from being asked in time.
    if (selector && signingDomain) lookups.ahead(`${selector}._domainkey.${signingDomain}`, 'TXT');
  }
  if (verifier.bodyHashes.size > 0) await hash(verifier, body, lookups);
  await verifier.finalChunk();
  return verifier;
}

/** Signatures that ask for yet another hash of the body prove nothing. */
function boundHashes({ bodyHashes, signatureHeaders }: DkimVerifier): void {
  for (const key of [...bodyHashes.keys()].slice(MOST_BODY_HASHES)) bodyHashes.delete(key);
  for (const signature of signatureHeaders) {
    const { bodyHashKey } = signature;
    if (bodyHashKey !== undefined && !bodyHashes.has(bodyHashKey)) signature.invalid = 'too many body hashes';
  }
}

/**
 * Hashes the body for all signatures, in the time that questions to the DNS have. When that is over the message is put off: a body that is made to
 * take long must be no way to be taken unchecked.
 */
async function hash(verifier: DkimVerifier, body: AsyncIterable<Buffer>, lookups: Lookups): Promise<void> {
  const lines = new WholeLines();
  const pace = new Pace();
  for await (const bytes of body) {
    for (const piece of piecesOf(lines.push(bytes), PIECE)) {
      await verifier.nextChunk(piece);
      await pace.pause();
      if (lookups.late) throw tooSlow();
    }
    if (lines.length > LONGEST_LINE) throw lineTooLong();
  }
  await verifier.nextChunk(lines.finish());
}

function tooSlow(): Refused {
  return new Refused(
    'check.failed',
    'The signatures of the message could not be checked in time; please try again later.',
  );
}

function lineTooLong(): Refused {
  const text = `A line of the message is longer than ${LONGEST_LINE / 1024} KB, so its signatures can't be checked: lines of mail have up to 998 characters (RFC 5322).`;
  return new Refused('message.too-large', text);
}

async function askDmarc(
  { headerFrom, fromFields, results }: DkimVerifier,
  authors: Content['authors'],
  spf: SPFResult | undefined,
  arcResult: ARCResult,
  lookups: Lookups,
): Promise<DmarcFinding> {
  const ask = async (proving: readonly string[]) =>
    libraries.dmarc.evaluateDmarc({
      headerFrom: [...headerFrom],
      fromFields,
      spfDomains: spf !== undefined && proving.includes(spf.status.result) ? [spf.domain] : [],
      dkimDomains: results.filter(provesFor(proving)).map(({ signingDomain = '' }) => ({ domain: signingDomain })),
      arcResult,
      resolver: lookups.resolve,
      strict: true,
    });
  const { response, reason } = await ask(['pass']);
  // RFC 9989 5.3.1: without one author there is nobody to ask.
  if (response === false) return noAuthor(reason ?? 'no author');
  const { status, policy, info = '' } = response;
  const { result, header } = status;
  if (!authors.every(({ domain }) => domain === '' || sameDomain(domain, header?.from ?? ''))) {
    return noAuthor('unclear-author-domain');
  }
  const finding = { ...findingOf(result, info, header?.from), policy: policyOf(policy) };
  if (result !== 'fail') return finding;
  // What could not be asked might have proved the author: had it done so, would DMARC fail all the same?
  const { response: atBest } = await ask(['pass', 'temperror']);
  const perhaps = atBest !== false && atBest.status.result !== 'fail';
  return perhaps ? { ...finding, result: 'temperror', row: info.replace('dmarc=fail', 'dmarc=temperror') } : finding;
}

function noAuthor(why: string): DmarcFinding {
  return { result: 'permerror', row: `dmarc=permerror (${why})`, policy: 'none' };
}

/** Two programs may read a malformed From as two authors: `ceo@bank.test:<eve@evil.test>`. */
function sameDomain(one: string, other: string): boolean {
  return inAscii(one) === inAscii(other);
}

function provesFor(proving: readonly string[]) {
  return ({ status: { result, underSized = 0 }, signingDomain }: DKIMResult): boolean =>
    signingDomain !== undefined && underSized === 0 && proving.includes(result);
}

/**
 * Who vouches for the message. Seen from the newest seal back: each sealer must be one that is believed, up to one that saw DMARC pass. The
 * chain itself is whole (`pass`), so no seal was put in between.
 */
function arcFinding(arc: ARCResult, data: ARCData, sealers: ReadonlySet<string>): ArcFinding {
  const sets = data.chain || []; // false, whatever its type says, where there is none
  const sealer = (set: (typeof sets)[number] | undefined): string =>
    String(set?.['arc-seal']?.parsed?.d?.value ?? '').toLowerCase();
  const finding = findingOf(arc.status.result, arc.info ?? '', sealer(sets.at(-1)));
  if (arc.status.result !== 'pass') return finding;
  for (const [at, set] of [...sets.entries()].reverse()) {
    if (!sealers.has(sealer(set))) break;
    const seen = at === sets.length - 1 ? arc.authenticationResults : set['arc-authentication-results']?.parsed;
    if (dmarcIn(seen) === 'pass') return { ...finding, vouchedBy: sealer(set) };
  }
  return finding;
}

/** What results that a sealer noted say of DMARC; the library gives those of the newest set another form than the others. */
function dmarcIn(results: unknown): unknown {
  const { dmarc } = (results ?? {}) as { dmarc?: { result?: unknown; value?: unknown } };
  return dmarc?.result ?? dmarc?.value;
}

function findingOf(result: string, row: string, domain: string | undefined): Finding {
  return { result, row, ...(domain !== undefined && domain !== '' && { domain }) };
}

function policyOf(policy: string | undefined): DmarcFinding['policy'] {
  return policy === 'reject' || policy === 'quarantine' ? policy : 'none';
}
