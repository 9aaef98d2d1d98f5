/**
 * The server: the one place where its parts are made and joined.
 *
 * What is opened is closed in the reverse order, whether the server ends or fails to start: no port listens before everything behind
 * it works, and the store closes when nobody is left who could ask it.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { VerifiedPasswords } from '../auth/verified.ts';
import { stsPolicyId } from '../autoconfig/mta-sts.ts';
import { reachableServices } from '../autoconfig/services.ts';
import type { Config } from '../config/schema.ts';
import type { Service } from '../config/services.ts';
import { networks } from '../config/units.ts';
import type { HttpListener } from '../http/listener.ts';
import type { HttpParts } from '../http/parts.ts';
import { requestCounter } from '../http/request-counter.ts';
import { shared } from '../net/limits.ts';
import { Listener } from '../net/listener.ts';
import { LOOPBACK, listenRefusal, type ServiceAddresses, serviceAddresses } from './addresses.ts';
import { openAdminSocket } from './admin-socket.ts';
import { alarmsOf } from './alarms.ts';
import { authenticating } from './authentication.ts';
import { countBackups } from './backup-metrics.ts';
import { BackupSchedule } from './backup-schedule.ts';
import { countCertificates } from './certificate-metrics.ts';
import { ServerCertificates } from './certificates.ts';
import { countDisk } from './disk.ts';
import { DnsWatch } from './dns-watch.ts';
import { makeTrialOffice, trialGuide } from './first-run.ts';
import { type HealthReport, HealthServer } from './health.ts';
import { healthReport } from './health-report.ts';
import { listenHttp } from './http.ts';
import { openLdap } from './ldap.ts';
import { openLog, partLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { hasOffice, type Office, openOffice, type ServerFacts } from './office.ts';
import { openIdTokens } from './openid.ts';
import { openOutbound } from './outbound.ts';
import { openOwnMail } from './own-mail.ts';
import { openProtocols } from './protocols.ts';
import { openResolver } from './resolver.ts';
import type { Stoppable } from './shutdown.ts';
import { openSigning } from './signing.ts';
import { countTrace } from './trace-metrics.ts';
import { version } from './version.ts';

export interface ServerOptions {
  readonly config: Config;
  /** The file that the configuration was read from, absolute. */
  readonly configFile?: string;
  /** The data directory, absolute. */
  readonly data: string;
  /** No configuration was given: loopback only, and a trial office where there is no office yet. */
  readonly withoutConfig: boolean;
  /** Added to every standard port. */
  readonly offset: number;
  /** Somebody sees standard output: passwords of the trial office may be shown there. */
  readonly terminal: boolean;
}

export interface RunningServer extends Stoppable {
  readonly log: Logger;
  /** For standard output: what a person wants to know. Ends with a line end. */
  readonly greeting: string;
}

/**
 * Starts everything; when it resolves, every port listens.
 * @throws Refused `store.locked`, `listen.failed`, `config.invalid`
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack(); // closes what was opened when something below fails
  const { config, data, offset, withoutConfig } = options;
  const name = config.name || hostname();
  const log = openLog(config.log.level);
  const metrics = new Metrics();
  const listening: ServerFacts['listening'][number][] = [];
  const clientName = withoutConfig ? 'localhost' : name;
  const facts: ServerFacts = {
    pid: process.pid,
    name,
    version,
    started: new Date().toISOString(),
    listening,
    get reachable() {
      return reachableServices(config.clients, listening, clientName);
    },
    get policyId() {
      return stsPolicyId(config.mtaSts, this.reachable);
    },
    get alarms() {
      const { missingRecords } = signing.keyring;
      return alarmsOf({ dns: dns.report(), routes: outbound.routes(), queue: outbound.report(), missingRecords });
    },
  };

  const isNew = !hasOffice(data);
  const failure = Promise.withResolvers<Error>();
  const opening = await openOffice({
    data,
    create: true,
    command: 'serve',
    config,
    configFile: options.configFile ?? null,
    log,
    onFailure: failure.resolve,
  });
  opened.defer(() => opening.close());
  const verified = new VerifiedPasswords();
  const ldap = await openLdap(config.ldap, { directory: opening.directory, verified, log, metrics });
  if (ldap !== null) opened.defer(() => ldap.close());
  const { store, directory, sessions, backups } = opening;
  const dns = new DnsWatch(metrics.registry, partLog(log, 'dns'));
  const resolver = openResolver(config.dns, dns);
  const common = { config, name, withoutConfig, store, directory, resolver, log, metrics };
  const signing = openSigning(common);
  opened.defer(() => signing.close());
  const outbound = openOutbound({ ...common, signing, addresses: ldap?.resolver ?? directory });
  opened.defer(() => outbound.close());
  const office: Office = { ...opening, ldap, sending: outbound.sending, signing, resolver, server: facts };
  const trial = withoutConfig && (isNew || directory.trial);
  const people = trial ? await makeTrialOffice(office, options.terminal) : [];

  const certificates = await ServerCertificates.open({
    config,
    data,
    name,
    log,
    onInternalError: () => metrics.internalError('acme'),
  });
  opened.defer(() => certificates.close());

  const tokens = await openIdTokens(config.openid, partLog(log, 'openid'));
  const authenticator = authenticating({ directory, verified, tokens, outside: ldap?.passwords, log, metrics });
  const protocols = openProtocols({ office, config, name, dns, log, metrics, authenticator, outbound });
  const limits = shared({
    connections: config.limits.connections,
    byAddress: config.limits.connectionsByAddress,
    byAccount: config.limits.connectionsByAccount,
  });
  const proxies = config.proxy.networks.length > 0 ? { proxies: networks(config.proxy.networks) } : {};
  const placement = { offset, everywhere: withoutConfig ? LOOPBACK : config.listen.addresses };
  const listeners: { readonly service: Service; readonly listener: Listener | HttpListener }[] = [];
  const started = performance.now();
  let status: HealthReport['status'] = 'ok';
  const report = () => healthReport(status, started, { listeners, store, backups, certificates, ldap, outbound, dns });

  const parts: HttpParts = {
    name,
    config,
    directory,
    store,
    sessions,
    authenticator,
    ownMail: openOwnMail(store, outbound.sending),
    challenges: certificates.challenges.http,
    services: () => facts.reachable,
    signer: () => certificates.signer(facts.reachable.host),
    log,
    onInternalError: (where) => metrics.internalError(where),
  };
  const count = requestCounter(metrics.registry);
  const listen = async ({ service, addresses }: ServiceAddresses) => {
    if (service.protocol === 'health') {
      const health = await HealthServer.listen({ addresses, metrics, report, log: partLog(log, 'health') });
      opened.defer(() => health.close());
      return health.addresses;
    }
    const { protocol } = service;
    if (protocol === 'http') {
      const listener = await listenHttp({
        service: { service, addresses },
        certificates,
        limits: limits.browsers,
        ...proxies,
        parts,
        count,
        log: partLog(log, service.name),
      });
      listeners.push({ service, listener });
      metrics.watch(listener);
      return listener.addresses;
    }
    const listener = await Listener.listen({
      protocol: protocols[protocol],
      addresses,
      implicitTls: service.implicitTls,
      certificates,
      limits: protocol === 'smtp' ? limits.servers : limits.programs,
      sessions,
      linesAWindow: config.limits.rate,
      ...proxies,
      ...(service.protocol === 'lmtp' ? { allowed: networks(config.lmtp.networks) } : {}),
      log: partLog(log, service.name),
      onInternalError: (where) => metrics.internalError(where),
    });
    listeners.push({ service, listener });
    metrics.watch(listener);
    return listener.addresses;
  };
  // Health first, so that it is the last to close and can tell that the others are stopping.
  const services = serviceAddresses(config.listen, placement);
  services.sort((a, b) => Number(b.service.protocol === 'health') - Number(a.service.protocol === 'health'));
  const ports = new AsyncDisposableStack();
  opened.use(ports);
  ports.defer(async () => {
    await Promise.all(listeners.map(({ listener }) => listener.stop(config.timeouts.shutdown)));
  });
  for (const one of services) {
    try {
      for (const { host, port } of await listen(one))
        listening.push({ service: one.service.name, address: host, port });
    } catch (error) {
      throw listenRefusal(error, one.service);
    }
  }
  countDisk(metrics.registry, data, () => store.diskLow);
  countTrace(metrics.registry, store.trace);
  countBackups(metrics.registry, () => backups.state());
  countCertificates(metrics.registry, () => certificates.states());
  certificates.start();
  const schedule = new BackupSchedule({
    backups,
    schedule: config.backup.schedule,
    testRestore: config.backup.testRestore,
    log: partLog(log, 'backup'),
    onInternalError: () => metrics.internalError('backup'),
  });
  opened.defer(() => schedule.close());
  const admin = await openAdminSocket({ ...office, certificates }, partLog(log, 'admin'), () =>
    metrics.internalError('admin'),
  );
  opened.defer(() => admin.close());

  ldap?.start();
  outbound.start();
  if (outbound.sending !== null) signing.start();

  log.info({ version, data, listening }, 'ready');
  const everything = opened.move();
  return {
    log,
    greeting: trial ? trialGuide(office, people, offset, options.terminal) : greeting(facts, data, withoutConfig),
    failed: failure.promise.then((error) => {
      status = 'failed';
      return error;
    }),
    reloadCertificates: () => certificates.reload(),
    stop() {
      status = 'stopping';
      return everything.disposeAsync();
    },
  };
}

function greeting({ version, listening }: ServerFacts, data: string, withoutConfig: boolean): string {
  const ports = new Map(listening.map(({ service, port }) => [service, port]));
  const list = [...ports].map(([service, port]) => `${service} ${port}`).join(', ');
  const where = withoutConfig ? ' on this machine only (no --config)' : '';
  return `Rainmail ${version} serves ${data}${where}: ${list}\n`;
}
