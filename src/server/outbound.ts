/**
 * Mail that leaves for other servers, as the server runs it: what sends it, how it is counted, and what the health page tells of it.
 *
 * Nothing leaves, and what would have to is refused when it is sent, where the configuration says so, in the trial office, and without a
 * configuration: what is only tried out must never reach other people's servers.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { Allowances } from '../delivery/allowances.ts';
import type { Resolver as Addresses } from '../delivery/recipients.ts';
import type { Delivery, Notices, Outgoing } from '../delivery/types.ts';
import type { Directory } from '../directory/directory.ts';
import type { Resolver } from '../dns/resolver.ts';
import { Dispatcher } from '../outbound/dispatcher.ts';
import { explainWay } from '../outbound/explain.ts';
import { Here } from '../outbound/here.ts';
import { NoSuchDestination } from '../outbound/hosts.ts';
import type { ReachOptions } from '../outbound/reach.ts';
import type { Reports } from '../outbound/report/reporter.ts';
import { type Route, Routes } from '../outbound/route.ts';
import { routePassword } from '../outbound/route-password.ts';
import { Sts } from '../outbound/tls/sts.ts';
import type { RecipientOutcome, Reporter, Sending } from '../outbound/types.ts';
import type { Signing } from '../signing/signing.ts';
import type { MailStore } from '../store/store.ts';
import { recordOutcomes } from '../trace/attempts.ts';
import { leaveGoneRoutes } from './gone-routes.ts';
import type { HealthReport } from './health.ts';
import { partLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import { QueueWatch } from './queue-watch.ts';
import { openReports } from './reports.ts';
import { type RouteReport, RouteWatch } from './route-watch.ts';

interface Parts {
  readonly config: Config;
  /** As this server calls itself. */
  readonly name: string;
  /** No configuration was given. */
  readonly withoutConfig: boolean;
  readonly store: MailStore;
  readonly directory: Directory;
  readonly resolver: Resolver;
  /** Where addresses lead. */
  readonly addresses: Addresses;
  readonly signing: Pick<Signing, 'signer' | 'srs'>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Outbound {
  /** What the delivery pipeline needs of it; undefined: no mail leaves. */
  readonly outgoing: Outgoing | undefined;
  /** What administrators need of it; null: no mail leaves. */
  readonly sending: Sending | null;
  /** To how many elsewhere people may send. */
  readonly allowances: Allowances;
  /** What tells senders that their mail is here. */
  readonly notices: Notices;
  /** What was to be here later goes this way when its time has come. */
  deliverBy(delivery: Delivery): void;
  /** What the health page tells of the queue. */
  report(): NonNullable<HealthReport['queue']>;
  /** And of the servers of the routes. */
  routes(): readonly RouteReport[];
  /** Begins to send what waits. */
  start(): void;
  /** Begins nothing new and lets what is under way come to its end, for a while. */
  close(): Promise<void>;
}

export function openOutbound(parts: Parts): Outbound {
  const { config, store, log: serverLog, metrics } = parts;
  const log = partLog(serverLog, 'outbound');
  const watch = new QueueWatch({
    queue: store.queue,
    registry: metrics.registry,
    alarmAbove: config.outbound.alarmAbove,
    alarmAfter: config.outbound.alarmAfter,
    log,
    onInternalError: () => metrics.internalError('outbound'),
  });
  const allowances = new Allowances({
    byHour: config.limits.recipientsByHour,
    byDay: config.limits.recipientsByDay,
    trace: store.trace,
    onReached: (account, recipients) => watch.limitReached(account, recipients),
  });
  if (!mayLeave(parts)) return unsent(watch, allowances, reportsOf(parts));

  const routes = new Routes(config.routes.map(routeOf));
  const onInternalError = (error: unknown) => {
    metrics.internalError('outbound');
    log.error({ err: error }, 'a fault of ours; the mail is tried again');
  };
  const outgoing: Outgoing = {
    destinationOf: (address) => routes.destinationOf(address),
    times(from) {
      const { giveUp, warnAfter } = config.outbound;
      return { warn: warnAfter === 0 ? 0 : from + warnAfter / 1_000, expires: from + giveUp / 1_000 };
    },
    wake: (destinations) => dispatcher.wake(destinations),
  };
  const reporter = reportsOf(parts, outgoing);
  const way = Promise.withResolvers<Delivery>();
  const reaching = reachOptions(parts, { routes, log, onInternalError });
  const routeWatch = new RouteWatch(routes.names, metrics.registry, log);
  const onOutcome = (outcome: RecipientOutcome) => {
    watch.count(outcome);
    routeWatch.note(outcome);
  };
  const dispatcher = makeDispatcher(parts, {
    reaching,
    reporter,
    way: way.promise,
    log,
    onOutcome,
    onInternalError,
  });
  watch.countConnections(() => dispatcher.trying);
  const closing = new AbortController();
  let moving = Promise.resolve();
  return {
    outgoing,
    sending: {
      wake: () => dispatcher.wake(),
      triedOf: (id) => dispatcher.triedOf(id),
      setAside: (id, act) => dispatcher.setAside(id, act),
      hasRoute: (destination) => routes.names.includes(destination),
      reporter,
      explain: (address, connect, signal) => explainWay(address, connect, { ...reaching, signal }),
    },
    allowances,
    notices: reporter,
    deliverBy: way.resolve,
    report: () => watch.report(),
    routes: () => routeWatch.report(),
    start() {
      tryPasswords(config.routes.map(routeOf), log).catch(onInternalError);
      watch.start();
      moving = leaveGoneRoutes(store.queue, routes, log, closing.signal)
        .catch(onInternalError)
        .finally(() => dispatcher.wake());
    },
    async close() {
      watch.close();
      closing.abort();
      await moving;
      await dispatcher.stop(config.timeouts.shutdown);
    },
  };
}

/** Nothing is sent; what waits from before goes on waiting, and is told of. */
function unsent(watch: QueueWatch, allowances: Allowances, notices: Notices): Outbound {
  return {
    outgoing: undefined,
    sending: null,
    allowances,
    notices,
    deliverBy: () => {},
    report: () => watch.report(),
    routes: () => [],
    start: () => watch.start(),
    close: async () => watch.close(),
  };
}

function mayLeave({ config, withoutConfig, directory }: Parts): boolean {
  return config.outbound.enabled && !withoutConfig && !directory.trial;
}

/** Tells senders what became of their mail. */
function reportsOf({ addresses, signing, ...parts }: Parts, outgoing?: Outgoing): Reports {
  return openReports({
    ...parts,
    resolver: addresses,
    outgoing,
    originalSender: (reversePath) => signing.srs.reverse(reversePath),
    giveUp: parts.config.outbound.giveUp,
  });
}

interface Reaching {
  readonly routes: Routes;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
}

function reachOptions({ config, name, store, resolver }: Parts, { routes, ...told }: Reaching): ReachOptions {
  const { localAddresses, port } = config.outbound;
  return {
    routes,
    resolver,
    sts: new Sts({ resolver, kept: store.stsPolicies, ...told }),
    helo: name,
    ownNames: new Set([name, config.clients.host].map((each) => each.toLowerCase())),
    port,
    localAddresses,
    random: Math.random,
  };
}

interface Making extends Omit<Reaching, 'routes'> {
  readonly reaching: ReachOptions;
  readonly reporter: Reporter;
  readonly way: Promise<Delivery>;
  readonly onOutcome: (outcome: RecipientOutcome) => void;
}

function makeDispatcher(
  { config, store, directory, signing }: Parts,
  { reaching, reporter, way, log, onOutcome, onInternalError }: Making,
): Dispatcher {
  const { connections, byDestination } = config.outbound;
  return new Dispatcher({
    ...reaching,
    queue: store.queue,
    store,
    connections,
    byDestination,
    reporter,
    here: new Here({ store, delivery: way, accountOf: (id) => directory.accountOf(id) }),
    signer: signing.signer,
    record: recordOutcomes,
    log,
    onInternalError,
    onOutcome,
  });
}

/** Whoever starts the server hears at once which files of the configuration are not as they must be. Their mail waits; all else goes on. */
async function tryPasswords(routes: readonly Route[], log: Logger): Promise<void> {
  for (const { host, passwordFile } of routes) {
    if (passwordFile === undefined) continue;
    try {
      await routePassword(host, passwordFile);
    } catch (error) {
      if (!(error instanceof NoSuchDestination)) throw error;
      log.error({ route: host }, error.message);
    }
  }
}

function routeOf({ user, passwordFile, ...route }: Config['routes'][number]): Route {
  return user === '' ? route : { ...route, user, passwordFile };
}
