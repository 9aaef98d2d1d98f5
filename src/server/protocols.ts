/** The line protocols as the server runs them: what each is given, how long it waits, and how it is counted. */
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/types.ts';
import type { Config } from '../config/schema.ts';
import type { Service } from '../config/services.ts';
import { DEFAULT_LIMITS as IMAP_LIMITS } from '../imap/context.ts';
import { imapProtocol } from '../imap/protocol.ts';
import { lmtpProtocol } from '../lmtp/protocol.ts';
import type { LineProtocol } from '../net/connection-types.ts';
import { DEFAULT_POP3_LIMITS } from '../pop3/context.ts';
import { leastExpiry } from '../pop3/expiry.ts';
import { pop3Protocol } from '../pop3/protocol.ts';
import { DEFAULT_SMTP_LIMITS } from '../smtp/context.ts';
import { smtpProtocol, submissionProtocol } from '../smtp/protocol.ts';
import { openChecks } from './checks.ts';
import { openDelivery } from './delivery.ts';
import type { DnsWatch } from './dns-watch.ts';
import { partLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Office } from './office.ts';
import type { Outbound } from './outbound.ts';

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

/** Each protocol with all it needs. */
export function openProtocols({
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
