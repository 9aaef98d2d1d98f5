/** What is wrong now with mail to other servers, for who asks how the server is. Pure. */
import type { DnsWatch } from './dns-watch.ts';
import type { HealthReport } from './health.ts';
import type { RouteReport } from './route-watch.ts';

interface State {
  readonly dns: ReturnType<DnsWatch['report']>;
  readonly routes: readonly RouteReport[];
  readonly queue: NonNullable<HealthReport['queue']>;
  /** Names of records of keys that sign. */
  readonly missingRecords: readonly string[];
}

/** A sentence for each; none: all is well. */
export function alarmsOf({ dns, routes, queue, missingRecords }: State): string[] {
  return [
    ...(dns.answers ? [] : [`No DNS server answers, and mail to others waits: ${dns.why}.`]),
    ...routes.flatMap(({ route, trouble }) =>
      trouble === null ? [] : [`The server of the route ${route} takes no mail: ${trouble}`],
    ),
    ...(queue['alarm'] === true ? ['Much mail waits to leave, or some for long: rainmail queue list says which.'] : []),
    ...missingRecords.map(
      (name) => `The DNS does not show ${name} any more, the record of a key that signs: rainmail dkim list.`,
    ),
  ];
}
