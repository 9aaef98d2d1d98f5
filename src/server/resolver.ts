/** The resolver as the server runs it. */
import type { Config } from '../config/schema.ts';
import { machinesServers, Resolver } from '../dns/resolver.ts';
import type { DnsWatch } from './dns-watch.ts';

/** Asks the DNS servers of the configuration or, where it names none, those of the machine. */
export function openResolver({ servers, validating }: Config['dns'], { onAsked }: DnsWatch): Resolver {
  return new Resolver({ servers: servers.length > 0 ? servers : machinesServers(), validating, onAsked });
}
