/**
 * The check in the delivery pipeline: who sent the message, written into it before it is filed, and acted on as configured.
 *
 * The field goes into the lines that stand before the body of each copy (the body is written while it arrives, and shared). So it stands above
 * our Received line and everything the sender wrote, as RFC 8601 4.1 wants it, and what was signed stays as it was.
 */
import type { BlockList } from 'node:net';
import type { Check, Checked, Verdict } from '../../delivery/in-delivery.ts';
import type { Envelope } from '../../delivery/types.ts';
import type { Resolver } from '../../dns/resolver.ts';
import { Refused } from '../../errors.ts';
import { domainOf } from '../../message/addresses.ts';
import { mailboxesIn } from '../../message/envelope-text.ts';
import type { Store } from '../../store/api.ts';
import type { Milliseconds } from '../../store/ids.ts';
import type { StagedMessage } from '../../store/types.ts';
import { isFromStranger } from '../trusted.ts';
import { decide, type Policy } from './decide.ts';
import { evaluate, type Methods } from './evaluate.ts';
import { Keys } from './keys.ts';
import { Lookups, type Names } from './lookups.ts';
import { isBorrowed, isDisowned, provesAuthor } from './proof.ts';
import { resultsField } from './results-field.ts';
import { MOST_HEADER_BYTES } from './signed-header.ts';
import type { Authentication, Decision } from './types.ts';

/** For all questions to the DNS together; well below what senders wait for after their data (RFC 5321 4.5.3.2.6: ten minutes). */
const LOOKUPS_WITHIN: Milliseconds = 12_000;
/** The whole check; what goes beyond is a fault, since the lookups have ended before. */
const WITHIN: Milliseconds = 20_000;
/** Messages that may wait for the DNS at a time; each holds its header and a few hashes. */
const MOST_AT_ONCE = 1_000;

export interface AuthenticationOptions {
  readonly names: Names & Pick<Resolver, 'busy'>;
  readonly store: Pick<Store, 'staged'>;
  /** Their mail is not checked. */
  readonly trusted: BlockList;
  readonly methods: Methods;
  readonly policy: Policy;
  /** Hears what was found and decided: for metrics and the trace. */
  readonly onResult?: (envelope: Envelope, found: Authentication, decision: Decision) => void;
  /** For tests. */
  readonly lookupsWithin?: Milliseconds;
  readonly mostAtOnce?: number;
}

export function authenticationCheck(options: AuthenticationOptions): Check {
  const { policy, trusted } = options;
  const keys = new Keys();
  let running = 0;
  return {
    name: 'authentication',
    within: WITHIN,
    whenItFails: policy.unsure,
    withoutIt: { unproven: true },
    concerns: ({ envelope }) => isFromStranger(trusted, envelope),
    async run(message, signal) {
      if (running >= (options.mostAtOnce ?? MOST_AT_ONCE)) {
        throw new Refused('check.failed', 'Too many messages are being checked just now; please try again later.');
      }
      running += 1;
      try {
        return await authenticate(message, keys, options, signal);
      } finally {
        running -= 1;
      }
    },
  };
}

async function authenticate(
  { envelope, message }: Checked,
  keys: Keys,
  options: AuthenticationOptions,
  signal: AbortSignal,
): Promise<Partial<Verdict>> {
  const { names, store, methods, policy, onResult } = options;
  const { remoteAddress: address, helo, sender } = envelope;
  const lookups = new Lookups(names, options.lookupsWithin ?? LOOKUPS_WITHIN);
  const bytes = store.staged(message);
  try {
    const authors = mailboxesIn(message.analysis.envelope, 'from');
    const content = await contentOf(message, bytes, signal);
    const found =
      content && (await evaluate({ address, helo, sender }, { ...content, authors }, methods, { lookups, keys }));
    if (found === undefined) throw headerTooLarge();
    // A flood of questions must not be a way to be taken unchecked.
    const decision = decide(found, names.busy ? { ...policy, unsure: 'put off' } : policy);
    onResult?.(envelope, found, decision);
    const unproven = !provesAuthor(found, authors);
    return {
      findings: resultsField(methods.hostname, found),
      refused: refusalOf(found, decision, envelope),
      suspicious: decision === 'junk',
      unproven,
      disowned: unproven && isDisowned(found),
      borrowed: isBorrowed(found, sender),
    };
  } finally {
    lookups.end();
    await bytes.return?.();
  }
}

/** The header in one piece, and the body as it comes. */
async function contentOf(
  { analysis: { root } }: StagedMessage,
  bytes: AsyncGenerator<Buffer, void, void>,
  signal: AbortSignal,
) {
  if (root.body > MOST_HEADER_BYTES) return undefined;
  const first: Buffer[] = [];
  let length = 0;
  while (length < root.body) {
    const { value, done } = await bytes.next();
    if (done === true) break;
    first.push(value);
    length += value.length;
  }
  const begun = Buffer.concat(first);
  return { header: begun.subarray(0, root.body), body: following(begun.subarray(root.body), bytes, signal) };
}

/** It ends with the check's time: what would come of the rest nobody waits for. */
async function* following(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  if (first.length > 0) yield first;
  for await (const bytes of rest) {
    signal.throwIfAborted();
    yield bytes;
  }
}

/** Why it is not to be taken, now or ever (RFC 7372 3). */
function refusalOf(
  { dmarc }: Authentication,
  decision: Decision,
  { remoteAddress, sender }: Envelope,
): Refused | undefined {
  const author = dmarc?.domain ?? 'this domain';
  switch (decision) {
    case 'refuse for DMARC':
      return new Refused(
        'sender.unproven',
        `Nothing proves that this message is from ${author}, whose owner asks that such mail be refused (DMARC). Send it through the servers of ${author}.`,
      );
    case 'refuse for SPF':
      return new Refused(
        'sender.not-permitted',
        `${remoteAddress} may not send mail for ${domainOf(sender) || 'the name it gives'}, says the owner of that domain (SPF).`,
      );
    case 'put off':
      return new Refused(
        'check.failed',
        'The DNS does not say just now who sent this message; please try again later.',
      );
    default:
      return undefined;
  }
}

function headerTooLarge(): Refused {
  return new Refused(
    'message.too-large',
    `The header of the message is too large: this server takes up to ${MOST_HEADER_BYTES / 1024} KB of it, in up to 1,000 fields.`,
  );
}
