/** Where clients reach the mail services, as seen from outside. Pure. */
import type { Config } from '../config/schema.ts';
import type { ServiceName } from '../config/services.ts';

/** `tls`: from the first byte. `starttls`: it begins in plain text, and must be turned on. */
export type Security = 'tls' | 'starttls';

export interface ReachablePort {
  readonly port: number;
  readonly security: Security;
}

/** Ports of each service, the one to take first (RFC 8314 3: TLS from the first byte). None: it is not served, or not to clients. */
export interface ReachableServices {
  /** The name that clients connect to, which the certificate must have. */
  readonly host: string;
  /** What the account is called in a mail program. */
  readonly organisation: string;
  readonly imap: readonly ReachablePort[];
  readonly pop3: readonly ReachablePort[];
  readonly submission: readonly ReachablePort[];
  /** Null: not served. */
  readonly https: number | null;
}

/** A port where a service listens. */
export interface Listening {
  readonly service: string;
  readonly port: number;
}

/** @param name  of this server, unless the settings name another for clients */
export function reachableServices(
  clients: Config['clients'],
  listening: readonly Listening[],
  name: string,
): ReachableServices {
  const portOf = (service: keyof typeof clients & ServiceName): number | undefined => {
    const setting = clients[service];
    if (typeof setting === 'number') return setting;
    return setting ? listening.find((one) => one.service === service)?.port : undefined;
  };
  const both = (tls: number | undefined, starttls: number | undefined): ReachablePort[] => [
    ...(tls === undefined ? [] : [{ port: tls, security: 'tls' as const }]),
    ...(starttls === undefined ? [] : [{ port: starttls, security: 'starttls' as const }]),
  ];
  const host = (clients.host || name).toLowerCase(); // as the DNS compares it (RFC 4343), and as it answers here
  return {
    host,
    organisation: clients.organisation || clients.host || name,
    imap: both(portOf('imaps'), portOf('imap')),
    pop3: both(portOf('pop3s'), portOf('pop3')),
    submission: both(portOf('submissions'), portOf('submission')),
    https: portOf('https') ?? null,
  };
}
