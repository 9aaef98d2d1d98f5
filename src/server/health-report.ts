/** What the health page tells of each part of the running server. */
import type { Ldap } from '../ldap/ldap.ts';
import type { Address } from '../net/listening.ts';
import type { MailStore } from '../store/store.ts';
import type { Backups } from './backups.ts';
import type { CertificateReport, ServerCertificates } from './certificates.ts';
import type { DnsWatch } from './dns-watch.ts';
import type { HealthReport } from './health.ts';
import { ldapReport } from './ldap.ts';
import type { Outbound } from './outbound.ts';
import { version } from './version.ts';

interface Parts {
  readonly listeners: readonly {
    readonly service: { readonly name: string };
    readonly listener: { readonly addresses: readonly Address[]; readonly open: number };
  }[];
  readonly store: Pick<MailStore, 'failure' | 'diskLow'>;
  readonly backups: Pick<Backups, 'state'>;
  readonly certificates: Pick<ServerCertificates, 'states'>;
  readonly ldap: Ldap | null;
  readonly outbound: Pick<Outbound, 'report' | 'routes'>;
  readonly dns: Pick<DnsWatch, 'report'>;
}

/** @param started  when, by the monotonic clock */
export function healthReport(
  status: HealthReport['status'],
  started: number,
  { listeners, store, backups, certificates, ldap, outbound, dns }: Parts,
): HealthReport {
  return {
    status,
    version,
    uptimeSeconds: Math.floor((performance.now() - started) / 1_000),
    listeners: listeners.map(({ service, listener }) => ({
      protocol: service.name,
      addresses: listener.addresses,
      open: listener.open,
    })),
    store: storeReport(store),
    backup: backupReport(backups),
    certificates: certificates.states().map(certificateReport),
    ...(ldap === null ? {} : { ldap: ldapReport(ldap) }),
    queue: outbound.report(),
    routes: outbound.routes(),
    dns: dns.report(),
  };
}

function storeReport(store: Parts['store']): HealthReport['store'] {
  return { failed: store.failure !== undefined, diskLow: store.diskLow };
}

function backupReport(backups: Parts['backups']): HealthReport['backup'] {
  const { repository, last, failure, overdue } = backups.state();
  const lastGood = last === null ? null : new Date(last.taken * 1_000).toISOString();
  return { configured: repository !== null, lastGood, failed: failure !== null, overdue };
}

function certificateReport({ name, validTo, problem }: CertificateReport): HealthReport['certificates'][number] {
  return { name, validTo, problem };
}
