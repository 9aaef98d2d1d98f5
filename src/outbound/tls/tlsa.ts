/**
 * What the DNS says of a host's certificate (RFC 7672).
 *
 * Invariant: “there is nothing”, “nothing that is signed”, “nothing that can be checked” and “nobody could say” are told apart: only the first
 * two leave DANE aside.
 */
import type { TlsaRecord } from '../../dns/answer.ts';
import type { Resolver } from '../../dns/resolver.ts';
import { Refused } from '../../errors.ts';
import type { Host } from '../hosts.ts';

export interface UsableTlsa {
  readonly kind: 'usable';
  /** Under which name the records are, and which the host is asked for (RFC 7672 2.2.3, 8.1). */
  readonly base: string;
  readonly records: readonly TlsaRecord[];
}

export type Tlsa =
  | { readonly kind: 'none' }
  /** There are some, of no kind that is for mail (RFC 7672 3.1.3) or that can be compared. */
  | { readonly kind: 'unusable' }
  | UsableTlsa
  | { readonly kind: 'unknown'; readonly why: string };

/** RFC 7218 */
export const DANE_TA = 2;
export const DANE_EE = 3;
/** Length of a digest by matching type (RFC 6698 2.1.3). */
const DIGEST_BYTES = new Map([
  [1, 32],
  [2, 64],
]);

/** Aliases of aliases that are followed: as many as for its addresses. */
const MOST_ALIASES = 16;

/** @param port  where the host listens for mail */
export async function tlsaOf(
  host: Pick<Host, 'name' | 'authentic'>,
  port: number,
  resolver: Pick<Resolver, 'query'>,
): Promise<Tlsa> {
  // RFC 7672 2.2.2: nobody is asked of a host whose name or address was not signed.
  if (!host.authentic) return { kind: 'none' };
  try {
    let found: Tlsa = { kind: 'none' };
    for (const base of await basesOf(host.name, resolver)) {
      const { records, authentic } = await resolver.query(`_${port}._tcp.${base}`, 'TLSA');
      if (records.length === 0 || !authentic) continue;
      const usable = strongest(records.filter(isUsable));
      if (usable.length > 0) return { kind: 'usable', base, records: usable };
      found = { kind: 'unusable' };
      break;
    }
    return found;
  } catch (error) {
    if (error instanceof Refused && error.code === 'dns.unavailable') return { kind: 'unknown', why: error.message };
    throw error;
  }
}

/** RFC 7672 2.2.3: where the host's name is an alias, first the name that it stands for in the end. */
async function basesOf(name: string, resolver: Pick<Resolver, 'query'>): Promise<string[]> {
  let base = name;
  for (let steps = 0; steps < MOST_ALIASES; steps++) {
    const { records, authentic } = await resolver.query(base, 'CNAME');
    const [target] = records;
    if (target === undefined || !authentic) break;
    base = target;
  }
  return base === name ? [name] : [base, name];
}

function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== DANE_TA && usage !== DANE_EE) return false;
  if (selector !== 0 && selector !== 1) return false;
  return matchingType === 0 ? data.length > 0 : data.length === DIGEST_BYTES.get(matchingType);
}

/** RFC 7671 9: of digests that stand beside each other the strongest counts. */
function strongest(records: readonly TlsaRecord[]): TlsaRecord[] {
  const best = new Map<string, number>();
  const group = ({ usage, selector }: TlsaRecord) => `${usage} ${selector}`;
  for (const each of records) best.set(group(each), Math.max(best.get(group(each)) ?? 0, each.matchingType));
  return records.filter((each) => each.matchingType === 0 || each.matchingType === best.get(group(each)));
}
