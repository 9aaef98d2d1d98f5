/** Where each service listens: the settings, the offset and the addresses of the machine taken together. Pure, but for one look at the latter. */
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/schema.ts';
import { SERVICES, type Service } from '../config/services.ts';
import type { Address } from '../config/units.ts';
import { Refused } from '../errors.ts';

export interface ServiceAddresses {
  readonly service: Service;
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
}

export interface Placement {
  /** Added to every standard port. */
  readonly offset: number;
  /** Addresses of the services that have none of their own. */
  readonly everywhere: readonly Address[];
}

export const LOOPBACK: readonly Address[] = [{ host: '127.0.0.1' }, { host: '::1' }];

/** The services that are on, with the addresses of each. */
export function serviceAddresses(listen: Config['listen'], { offset, everywhere }: Placement): ServiceAddresses[] {
  return SERVICES.flatMap((service) => {
    const setting = listen[service.name];
    if (setting === false) return [];
    const chosen = setting !== true ? setting : service.internal ? LOOPBACK : everywhere;
    const addresses = chosen.flatMap(expand).map(({ host, port }) => ({ host, port: port ?? service.port + offset }));
    return [{ service, addresses }];
  });
}

/** `*` becomes every address of each family; what we offer by ourselves leaves IPv6 out where the machine has none. */
function expand({ host, port }: Address): Address[] {
  const hosts = host === '*' ? ['0.0.0.0', '::'] : [host];
  const usable = host === '*' || host === '::1' ? hosts.filter((one) => !one.includes(':') || hasIpv6()) : hosts;
  return usable.map((one) => (port === undefined ? { host: one } : { host: one, port }));
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === 'IPv6'));
}

/** The error of a port that can't be listened on, for a person: which, why, and what to do. */
export function listenRefusal(error: unknown, service: Service): unknown {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (!(error instanceof Error) || port === undefined) return error;
  const what = `Port ${port} on ${address} (${service.title})`;
  const hint = `switch this service off in the configuration (${service.name} = false in [listen]), or choose other ports, all at once: --port-offset 10000 makes the standard port ${service.port} ${service.port + 10_000}.`;
  const texts: Readonly<Record<string, string>> = {
    EADDRINUSE: `${what} is taken by another program. Stop that one, ${hint}`,
    EACCES: `${what} may only be opened by root. Run the server as root or with the capability CAP_NET_BIND_SERVICE, ${hint}`,
    EADDRNOTAVAIL: `${what}: this machine has no such address. See the section [listen] of the configuration.`,
  };
  return new Refused('listen.failed', texts[code ?? ''] ?? `${what} can't be listened on (${code}).`, { cause: error });
}
