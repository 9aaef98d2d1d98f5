/** The LDAP directory in which people live, as the server opens it, counts it and tells of it. */
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { VerifiedPasswords } from '../auth/verified.ts';
import type { Config } from '../config/schema.ts';
import type { Directory } from '../directory/directory.ts';
import type { Ldap } from '../ldap/ldap.ts';
import type { HealthReport } from './health.ts';
import { partLog } from './log.ts';
import type { Metrics } from './metrics.ts';

interface Parts {
  readonly directory: Directory;
  readonly verified: VerifiedPasswords;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Null where nobody lives in LDAP. @throws Refused `config.invalid` */
export async function openLdap(
  config: Config['ldap'],
  { directory, verified, log, metrics }: Parts,
): Promise<Ldap | null> {
  if (config.urls.length === 0) return null;
  const { Ldap } = await import('../ldap/ldap.ts'); // most offices need none of it
  const { ldapSettings } = await import('../ldap/settings.ts');
  const settings = ldapSettings(config);
  if (settings === null) return null;
  const onInternalError = () => metrics.internalError('ldap');
  const ldap = new Ldap({ settings, directory, verified, log: partLog(log, 'ldap'), onInternalError });
  countLdap(metrics, ldap);
  return ldap;
}

/** What the health page tells of it. */
export function ldapReport(ldap: Ldap): NonNullable<HealthReport['ldap']> {
  const { up, refreshed, failure } = ldap.state();
  const lastGood = refreshed === null ? null : new Date(refreshed.at * 1_000).toISOString();
  return { up, lastGood, failed: failure !== null };
}

function countLdap({ registry }: Metrics, ldap: Ldap): void {
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  gauge('rainmail_ldap_up', '1 while an LDAP server answers.', () => Number(ldap.state().up));
  gauge('rainmail_ldap_refresh_failed', '1 when the last try to read LDAP failed, or was refused.', () =>
    Number(ldap.state().failure !== null),
  );
  gauge('rainmail_ldap_refresh_timestamp_seconds', 'When LDAP was last read whole.', () => ldap.state().refreshed?.at);
  gauge('rainmail_ldap_people', 'People who live in LDAP.', () => ldap.state().refreshed?.people);
  gauge('rainmail_ldap_problems', 'What could not be taken over then.', () => ldap.state().refreshed?.problemCount);
}
