/** What other servers are told of TLS on the way to this one (MTA-STS, RFC 8461). Pure. */
import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { ReachableServices } from './services.ts';

/** Where senders ask for it (RFC 8461 3.3): the port can't be another. */
const HTTPS_PORT = 443;
const ID_CHARACTERS = 20;

/** The hosts that the policy names. */
export function stsHosts(
  { mx }: Pick<Config['mtaSts'], 'mx'>,
  { host }: Pick<ReachableServices, 'host'>,
): readonly string[] {
  return mx.length === 0 ? [host] : mx;
}

/** The policy as it is served (RFC 8461 3.2); null: none is. */
export function stsPolicy(settings: Config['mtaSts'], services: Pick<ReachableServices, 'host'>): string | null {
  const { mode, maxAge } = settings;
  if (mode === 'off') return null;
  const lines = [
    'version: STSv1',
    `mode: ${mode}`,
    ...stsHosts(settings, services).map((name) => `mx: ${name}`),
    `max_age: ${Math.floor(maxAge / 1_000)}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/**
 * What the DNS record says of the policy's version (RFC 8461 3.1): another one when the policy is another.
 * @returns null when senders can't read a policy here
 */
export function stsPolicyId(
  settings: Config['mtaSts'],
  services: Pick<ReachableServices, 'host' | 'https'>,
): string | null {
  const policy = services.https === HTTPS_PORT ? stsPolicy(settings, services) : null;
  return policy === null ? null : createHash('sha256').update(policy).digest('hex').slice(0, ID_CHARACTERS);
}
