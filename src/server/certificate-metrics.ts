/** What the metrics tell of certificates. The names are those of the settings and files: few. */
import { Gauge, type Registry } from 'prom-client';
import type { CertificateReport } from './certificates.ts';

export function countCertificates(registry: Registry, states: () => readonly CertificateReport[]): void {
  const gauge = (name: string, help: string, read: (state: CertificateReport) => number | undefined): void => {
    new Gauge({
      name,
      help,
      labelNames: ['certificate'],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) {
          const value = read(state);
          if (value !== undefined) this.set({ certificate: state.name }, value);
        }
      },
    });
  };
  gauge(
    'rainmail_certificate_expires_in_seconds',
    'Time until a certificate expires; below zero: it has. Absent while there is none.',
    ({ validTo }) => (validTo === null ? undefined : (Date.parse(validTo) - Date.now()) / 1_000),
  );
  gauge(
    'rainmail_certificate_failed',
    '1 when a certificate could not be renewed or read, the last time it was tried.',
    ({ problem }) => Number(problem !== null),
  );
}
