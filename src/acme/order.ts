/**
 * One certificate, from the order to the file (RFC 8555 7.4): the names are offered, the authority checks each, then it signs.
 *
 * Invariant: whenever the process dies, the next start ends well. The order with its key is on disk before the names are checked, and is
 * gone on with; the certificate comes into its file whole, with its key; only then the order is forgotten.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Authorization, Order } from 'acme-client';
import type { Milliseconds } from '../store/ids.ts';
import { type Authority, newKey } from './authority.ts';
import type { Challenges, ChallengeType } from './challenges.ts';
import { AcmeFailure, problemText } from './failure.ts';
import type { AcmeState, ProgressState } from './state.ts';

/** How long an order may take; authorities need seconds. */
const PATIENCE: Milliseconds = 300_000;
const LOOK_FIRST: Milliseconds = 100;
const LOOK_AT_LEAST_EVERY: Milliseconds = 5_000;
/** An authority may ask for longer waits, up to this. */
const LONGEST_LOOK: Milliseconds = 30_000;

export interface OrderOptions {
  /** The first one names the files. */
  readonly names: readonly string[];
  readonly challenge: ChallengeType;
  readonly challenges: Challenges;
  readonly authority: Authority;
  readonly state: Pick<AcmeState, 'keepCertificate'>;
  /** As it is on disk. */
  readonly progress: ProgressState;
  /** Puts it on disk. */
  readonly keep: (progress: ProgressState) => Promise<void>;
  readonly signal: AbortSignal;
  readonly now: () => Milliseconds;
}

/** Brings a new certificate into its file. @throws AcmeFailure */
export async function obtain(options: OrderOptions): Promise<void> {
  const { names, authority, state, progress, keep, now } = options;
  const { order: first, key } = (await underWay(options)) ?? (await begin(options));
  try {
    const order = await signed(first, key, options);
    const chain = await authority.certificate(order);
    if (!isFor(key, chain)) throw new AcmeFailure('refused', 'What came is no certificate, or one for another key.');
    await state.keepCertificate(names[0]!, key, chain);
    // Dies here: the order is looked at once more, is still there, and the same certificate comes again.
    await keep({ ...progress, order: null, issued: now(), failures: 0, refusals: [], retryAt: 0, problem: null });
  } catch (error) {
    // An order that was refused can't be gone on with; one that could not be followed to its end can.
    if (error instanceof AcmeFailure && error.kind === 'refused') await keep({ ...progress, order: null });
    throw error;
  }
}

/** True for a chain whose first certificate has this key. */
function isFor(key: string, chain: string): boolean {
  try {
    return new X509Certificate(chain).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // no certificate
  }
}

interface Found {
  readonly order: Order;
  readonly key: string;
}

/** The order that an earlier start left, if it can be gone on with. */
async function underWay({ names, authority, progress }: OrderOptions): Promise<Found | null> {
  const known = progress.order;
  if (known === null || known.names.join() !== names.join()) return null;
  try {
    const { value: order } = await authority.look(known.url);
    // Checks that failed while nobody was there to answer say nothing about the names.
    return order.status === 'invalid' ? null : { order, key: known.key };
  } catch (error) {
    if (error instanceof AcmeFailure && error.kind === 'refused') return null; // forgotten there, or of another account
    throw error;
  }
}

async function begin({ names, authority, progress, keep }: OrderOptions): Promise<Found> {
  const key = newKey();
  const { value: order } = await authority.order(names);
  // Dies here: the order expires unused; authorities give the same again to those who order the same.
  await keep({ ...progress, order: { url: order.url, key, names: [...names] } });
  return { order, key };
}

/** Follows an order until it is signed. */
async function signed(first: Order, key: string, options: OrderOptions): Promise<Order> {
  const { names, authority, signal, now } = options;
  const giveUpAt = now() + PATIENCE;
  const offers: (() => void)[] = [];
  let order = first;
  let asked: number | null = null;
  let offered = false;
  try {
    for (let look = LOOK_FIRST; ; look = Math.min(look * 2, LOOK_AT_LEAST_EVERY)) {
      switch (order.status) {
        case 'valid':
          return order;
        case 'invalid':
          throw await refusal(order, authority);
        case 'ready':
          ({ value: order, retryAfter: asked } = await authority.finalise(order, names, key));
          if (order.status === 'valid') return order;
          break;
        case 'pending':
          if (!offered) offers.push(...(await offerAll(order, options)));
          offered = true;
          break;
        case 'processing':
          break;
      }
      if (now() >= giveUpAt) throw new AcmeFailure('unreachable', 'The authority did not decide in time.');
      await delay(Math.min(Math.max(look, (asked ?? 0) * 1_000), LONGEST_LOOK), undefined, { signal });
      ({ value: order, retryAfter: asked } = await authority.look(order.url));
    }
  } finally {
    for (const end of offers) end();
  }
}

/** Offers what shows that the names are ours, and asks for the checks. @returns what ends the offers */
async function offerAll(
  order: Order,
  { authority, challenge: type, challenges }: OrderOptions,
): Promise<(() => void)[]> {
  const offers: (() => void)[] = [];
  try {
    for (const authorization of await authority.authorizations(order)) {
      if (authorization.status !== 'pending') continue; // RFC 8555 7.1.3: one may be valid from an earlier order
      const challenge = authorization.challenges.find((one) => (one.type as string) === type);
      if (challenge === undefined)
        throw new AcmeFailure('refused', `The authority offers no ${type} for ${authorization.identifier.value}.`);
      const answer = await authority.keyAuthorization(challenge);
      offers.push(
        type === 'http-01'
          ? challenges.http.offer(challenge.token, answer)
          : await challenges.tls.offer(authorization, answer),
      );
      if (challenge.status === 'pending') await authority.check(challenge);
    }
    return offers;
  } catch (error) {
    for (const end of offers) end();
    throw error;
  }
}

/** What was wrong with an order that became invalid: which names, and why. */
async function refusal(order: Order, authority: Authority): Promise<AcmeFailure> {
  const failed = (await authority.authorizations(order)).flatMap(failureOf);
  const text = failed.length > 0 ? failed.join(' ') : `${problemText(order.error) || 'The order was refused'}.`;
  return new AcmeFailure('refused', text);
}

function failureOf({ identifier, status, challenges }: Authorization): string[] {
  if (status === 'valid' || status === 'pending') return [];
  const errors = challenges.map(({ error }) => problemText(error)).filter((text) => text !== '');
  return [`${identifier.value}: ${(errors[0] ?? `the check is ${status}`).replace(/\.?$/, '.')}`];
}
