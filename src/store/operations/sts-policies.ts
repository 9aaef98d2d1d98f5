/**
 * Policies of other domains on TLS (RFC 8461), as they were last fetched. They are kept here, and not in memory, so that a start of the server gives
 * nobody on the way the chance to keep a policy from it that it knew before.
 */
import type { Reader, Writer } from '../engine/engine.ts';
import { sql } from '../engine/sql.ts';
import type { EpochSeconds } from '../ids.ts';

export interface StsPolicy {
  /** As the DNS names it: another one is another policy. */
  readonly id: string;
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Names of hosts, in lower case; `*.example.org` for all with one label more. */
  readonly mx: readonly string[];
  readonly fetched: EpochSeconds;
  /** It holds until then, whatever the DNS says. */
  readonly expires: EpochSeconds;
}

const READ = sql<readonly [policy: string, mode: string, mx: string, fetched: number, expires: number]>(
  'SELECT policy, mode, mx, fetched, expires FROM sts_policy WHERE domain = ? AND expires > ?',
);
const KEEP = sql(`
  INSERT INTO sts_policy (domain, policy, mode, mx, fetched, expires) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (domain) DO UPDATE SET policy = excluded.policy, mode = excluded.mode, mx = excluded.mx, fetched = excluded.fetched,
    expires = excluded.expires`);
const FORGET_EXPIRED = sql('DELETE FROM sts_policy WHERE expires <= ?');

/** The policy of a domain that still holds; undefined: none is known. */
export async function readStsPolicy(tx: Reader, domain: string, now: EpochSeconds): Promise<StsPolicy | undefined> {
  const row = await tx.get(READ, domain, now);
  if (row === undefined) return undefined;
  const [id, mode, mx, fetched, expires] = row;
  return { id, mode: mode as StsPolicy['mode'], mx: JSON.parse(mx) as string[], fetched, expires };
}

/** Keeps a domain's newest policy, and forgets all that hold no longer. */
export async function keepStsPolicy(tx: Writer, domain: string, policy: StsPolicy, now: EpochSeconds): Promise<void> {
  const { id, mode, mx, fetched, expires } = policy;
  await tx.run(FORGET_EXPIRED, now);
  await tx.run(KEEP, domain, id, mode, JSON.stringify(mx), fetched, expires);
}
