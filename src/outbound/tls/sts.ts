/**
 * What a domain says of TLS on the way to its hosts (MTA-STS, RFC 8461): asked of the DNS, fetched over HTTPS, kept in the database.
 *
 * Invariants
 * - A policy that was fetched holds until it expires, whatever the DNS and its server say meanwhile, and whatever becomes of this process.
 * - Where none can be had the domain has none (RFC 8461 3.3): mail does not wait for it.
 * - Bounded: a fetch has a time and a size, which mailauth keeps; one runs for a domain at a time, and no more than there are connections.
 */
import type { MTASTSPolicy } from 'mailauth';
import type { MTASTSPolicyResult } from 'mailauth/lib/mta-sts.js';
import type { Logger } from 'pino';
import type { Resolver } from '../../dns/resolver.ts';
import { libraries } from '../../libraries.ts';
import { type EpochSeconds, type Milliseconds, nowSeconds } from '../../store/ids.ts';
import type { StsPolicies, StsPolicy } from '../../store/sts-policies.ts';

/** RFC 8461 3.3 advises a minute at most. Mail waits for it. */
const FETCH_WITHIN: Milliseconds = 30_000;
const MOST_BYTES = 65_536;
/** RFC 8461 10.2: a policy is fetched anew long before it expires, so that who can block it must block it for all its time. */
const FRESH_FOR: EpochSeconds = 86_400;
const REFRESHED_AT_ONCE = 20;

export interface StsOptions {
  readonly resolver: Resolver;
  readonly kept: Pick<StsPolicies, 'of' | 'keep'>;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** For one fetch. */
  readonly timeout?: Milliseconds;
}

export class Sts {
  readonly #options: StsOptions;
  readonly #running = new Map<string, Promise<StsPolicy | undefined>>();
  readonly #refreshing = new Set<string>();

  constructor(options: StsOptions) {
    this.#options = options;
  }

  /** The policy that holds for a domain now; undefined: it has none. @param domain  in ASCII */
  async of(domain: string): Promise<StsPolicy | undefined> {
    const known = await this.#options.kept.of(domain);
    let running = this.#running.get(domain);
    if (running === undefined) {
      running = this.#find(domain, known, false).finally(() => this.#running.delete(domain));
      this.#running.set(domain, running);
    }
    const policy = await running;
    if (policy !== undefined && nowSeconds() - policy.fetched > FRESH_FOR) this.#refresh(domain, policy);
    return policy?.mode === 'none' ? undefined : policy;
  }

  /** The one that is known holds in any case: mail does not wait for a newer copy. */
  #refresh(domain: string, policy: StsPolicy): void {
    if (this.#refreshing.has(domain) || this.#refreshing.size >= REFRESHED_AT_ONCE) return; // the next mail asks again
    this.#refreshing.add(domain);
    this.#find(domain, policy, true)
      .catch(this.#options.onInternalError)
      .finally(() => this.#refreshing.delete(domain));
  }

  /** @param anew  fetches it even if the DNS names the one that is known */
  async #find(domain: string, known: StsPolicy | undefined, anew: boolean): Promise<StsPolicy | undefined> {
    const { kept, log, timeout = FETCH_WITHIN } = this.#options;
    const result = await libraries.mtaSts.getPolicy(domain, known && asKnown(known, anew), {
      strict: true,
      timeout,
      maxPolicySize: MOST_BYTES,
      resolver: this.#ask,
    });
    const { status, policy } = result;
    if (status === 'errored') {
      log.info({ domain, err: policy.error, known: known?.mode ?? null }, 'no MTA-STS policy could be fetched');
    }
    if (known !== undefined && (status === 'renewed' || isStill(result, known))) return known;
    if (typeof policy.id !== 'string' || policy.expires === undefined) return undefined;
    const found: StsPolicy = {
      id: policy.id,
      mode: policy.mode,
      mx: policy.mx ?? [],
      fetched: nowSeconds(),
      expires: Math.floor(Date.parse(policy.expires) / 1_000),
    };
    await kept.keep(domain, found);
    return found;
  }

  /** As node:dns does it. */
  readonly #ask = async (name: string, type: string): Promise<string[] | string[][]> => {
    const { resolver } = this.#options;
    if (type === 'TXT') return (await this.#some(resolver.query(name, 'TXT'))).map((text) => [text]);
    return this.#some(resolver.query(name, type === 'A' ? 'A' : 'AAAA'));
  };

  async #some(asked: Promise<{ readonly records: readonly string[] }>): Promise<string[]> {
    const { records } = await asked;
    if (records.length === 0) throw Object.assign(new Error('there is none'), { code: 'ENODATA' });
    return [...records];
  }
}

/** It could not be fetched, and the one that is known holds on (RFC 8461 5.1). */
function isStill({ status, policy }: MTASTSPolicyResult, known: StsPolicy): boolean {
  return status === 'errored' && policy.expires === isoTime(known.expires);
}

/** @param anew  under an id that no policy has (RFC 8461 3.1), so that it is fetched whatever the DNS names */
function asKnown({ id, mode, mx, expires }: StsPolicy, anew: boolean): MTASTSPolicy {
  return { id: anew ? '-' : id, mode, mx: [...mx], expires: isoTime(expires) };
}

function isoTime(seconds: EpochSeconds): string {
  return new Date(seconds * 1_000).toISOString();
}
