/**
 * The server: the one place where its parts are made and joined.
 *
 * What is opened is closed in the reverse order, whether the server ends or fails to start: no port listens before everything behind
 * it works, and the store closes when nobody is left who could ask it.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/types.ts';
import { VerifiedPasswords } from '../auth/verified.ts';
import { stsPolicyId } from '../autoconfig/mta-sts.ts';
import { reachableServices } from '../autoconfig/services.ts';
import type { Config } from '../config/schema.ts';
import type { Service } from '../config/services.ts';
import { networks } from '../config/units.ts';
import type { HttpListener } from '../http/listener.ts';
import type { HttpParts } from '../http/parts.ts';
import { requestCounter } from '../http/request-counter.ts';
import { DEFAULT_LIMITS as IMAP_LIMITS } from '../imap/context.ts';
import { imapProtocol } from '../imap/protocol.ts';
import { lmtpProtocol } from '../lmtp/protocol.ts';
import type { LineProtocol } from '../net/connection-types.ts';
import { shared } from '../net/limits.ts';
import { Listener } from '../net/listener.ts';
import { DEFAULT_POP3_LIMITS } from '../pop3/context.ts';
import { leastExpiry } from '../pop3/expiry.ts';
import { pop3Protocol } from '../pop3/protocol.ts';
import { DEFAULT_SMTP_LIMITS } from '../smtp/context.ts';
import { smtpProtocol, submissionProtocol } from '../smtp/protocol.ts';
import type { MailStore } from '../store/store.ts';
import { LOOPBACK, listenRefusal, type ServiceAddresses, serviceAddresses } from './addresses.ts';
import { openAdminSocket } from './admin-socket.ts';
import { alarmsOf } from './alarms.ts';
import { authenticating } from './authentication.ts';
import { countBackups } from './backup-metrics.ts';
import { BackupSchedule } from './backup-schedule.ts';
import type { Backups } from './backups.ts';
import { countCertificates } from './certificate-metrics.ts';
import { type CertificateReport, ServerCertificates } from './certificates.ts';
import { openChecks } from './checks.ts';
import { openDelivery } from './delivery.ts';
import { countDisk } from './disk.ts';
import { DnsWatch } from './dns-watch.ts';
import { makeTrialOffice, trialGuide } from './first-run.ts';
import { type HealthReport, HealthServer } from './health.ts';
import { listenHttp } from './http.ts';
import { ldapReport, openLdap } from './ldap.ts';
import { openLog, partLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { hasOffice, type Office, openOffice, type ServerFacts } from './office.ts';
import { openIdTokens } from './openid.ts';
import { type Outbound, openOutbound, openResolver } from './outbound.ts';
import { openOwnMail } from './own-mail.ts';
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

type Status = HealthReport['status'];

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
  const protocols = wire({ office, config, name, dns, log, metrics, authenticator, outbound });
  const limits = shared({
    connections: config.limits.connections,
    byAddress: config.limits.connectionsByAddress,
    byAccount: config.limits.connectionsByAccount,
  });
  const proxies = config.proxy.networks.length > 0 ? { proxies: networks(config.proxy.networks) } : {};
  const placement = { offset, everywhere: withoutConfig ? LOOPBACK : config.listen.addresses };
  const listeners: { readonly service: Service; readonly listener: Listener | HttpListener }[] = [];
  const started = performance.now();
  let status: Status = 'ok';
  const report = (): HealthReport => ({
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
  });

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

/** What the health page tells of the store. */
function storeReport(store: MailStore): HealthReport['store'] {
  return { failed: store.failure !== undefined, diskLow: store.diskLow };
}

/** And of the backups. */
function backupReport(backups: Backups): HealthReport['backup'] {
  const { repository, last, failure, overdue } = backups.state();
  const lastGood = last === null ? null : new Date(last.taken * 1_000).toISOString();
  return { configured: repository !== null, lastGood, failed: failure !== null, overdue };
}

/** And of a certificate. */
function certificateReport({ name, validTo, problem }: CertificateReport): HealthReport['certificates'][number] {
  return { name, validTo, problem };
}

function greeting({ version, listening }: ServerFacts, data: string, withoutConfig: boolean): string {
  const ports = new Map(listening.map(({ service, port }) => [service, port]));
  const list = [...ports].map(([service, port]) => `${service} ${port}`).join(', ');
  const where = withoutConfig ? ' on this machine only (no --config)' : '';
  return `Rainmail ${version} serves ${data}${where}: ${list}\n`;
}

interface Parts {
  readonly office: Office;
  readonly config: Config;
  readonly name: string;
  readonly dns: DnsWatch;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly authenticator: Authenticator;
  readonly outbound: Outbound;
}

/** The protocols with all they need. */
function wire({
  office,
  config,
  name,
  dns,
  log,
  metrics,
  authenticator,
  outbound,
}: Parts): Record<Exclude<Service['protocol'], 'health' | 'http'>, LineProtocol> {
  const { store, directory } = office;
  const inbound = openChecks({ config, name, store, dns, log, metrics });
  const delivery = openDelivery({ name, office, config, metrics, outbound, inbound });
  const counted = (protocol: string) => ({
    onCommand: (verb: string) => metrics.command(protocol, verb),
    onInternalError: (error: unknown, connection: number) => {
      metrics.internalError(protocol);
      log.error({ part: protocol, connection, err: error }, 'a fault of ours; the session goes on');
    },
  });
  const smtp = {
    hostname: name,
    delivery,
    store,
    startTls: true,
    limits: {
      ...DEFAULT_SMTP_LIMITS,
      messageBytes: config.limits.message,
      recipients: config.limits.recipients,
      idleTimeout: config.timeouts.smtp,
      hold: outbound.outgoing === undefined ? 0 : config.submission.hold,
    },
  };
  const imapLog = partLog(log, 'imap');
  return {
    smtp: smtpProtocol({ ...smtp, ...counted('smtp'), reception: inbound.reception }),
    submission: submissionProtocol({ ...smtp, ...counted('submission'), authenticator }),
    lmtp: lmtpProtocol({ ...smtp, ...counted('lmtp') }),
    pop3: pop3Protocol({
      authenticator,
      store,
      limits: { ...DEFAULT_POP3_LIMITS, idleTimeout: config.timeouts.pop3 },
      loginDelayTime: config.pop3.loginDelay,
      leastExpiry: async () => leastExpiry(await directory.letGoRules()),
      onSharedDevice(account, credential) {
        metrics.sharedDevice();
        partLog(log, 'pop3').warn({ account, credential }, 'two mail programs use the password of one device');
        store.devices.noteShared(account, credential).catch((error: unknown) => log.error({ err: error }));
      },
      startTls: true,
      ...counted('pop3'),
    }),
    imap: imapProtocol({
      store,
      authenticator,
      limits: {
        ...IMAP_LIMITS,
        commandBytes: config.limits.command,
        appendBytes: config.limits.message,
        idleTimeout: config.timeouts.imap,
      },
      startTls: true,
      onCommand: (name) => metrics.command('imap', name),
      log: imapLog,
      onInternalError: (where, error) => {
        metrics.internalError('imap');
        imapLog.error({ where, err: error }, 'a fault of ours; the session goes on');
      },
    }),
  };
}
