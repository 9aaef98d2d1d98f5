/** What is asked of mail that strangers bring, as the server runs it: the checks in the delivery pipeline, who receives strangers, and how both are counted. */
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import { authenticationCheck } from '../checks/authentication/check.ts';
import type { Authentication, Decision } from '../checks/authentication/types.ts';
import { Reception } from '../checks/limits/reception.ts';
import type { Config } from '../config/schema.ts';
import { networks } from '../config/units.ts';
import type { OnCheckFailed } from '../delivery/checks.ts';
import type { Check } from '../delivery/in-delivery.ts';
import type { Envelope } from '../delivery/types.ts';
import type { MailStore } from '../store/store.ts';
import type { DnsWatch } from './dns-watch.ts';
import { partLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import { openResolver } from './resolver.ts';

interface Parts {
  readonly config: Config;
  /** As this server calls itself, and signs what it finds. */
  readonly name: string;
  readonly store: MailStore;
  readonly dns: DnsWatch;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface Inbound {
  /** In the order in which they are made. */
  readonly checks: readonly Check[];
  readonly onCheckFailed: OnCheckFailed;
  readonly reception: Reception;
}

export function openChecks({ config, name, store, dns, log: serverLog, metrics: { registry } }: Parts): Inbound {
  const log = partLog(serverLog, 'checks');
  const { trusted, spf, dmarc, unsure, sealers, greetingDelay } = config.checks;
  const trustedNetworks = networks(trusted);
  const count = counters(registry);
  return {
    checks: [
      authenticationCheck({
        // Its own, so that a flood of names that nobody answers for does not hold up mail that leaves.
        names: openResolver(config.dns, dns),
        store,
        trusted: trustedNetworks,
        methods: {
          spf: spf !== 'off',
          dmarc: dmarc !== 'off',
          sealers: new Set(sealers.map((domain) => domain.toLowerCase())),
          hostname: name,
        },
        policy: { spf, dmarc, unsure },
        onResult(envelope, found, decision) {
          count.results(found, decision);
          if (decision !== 'accept') log.info(told(envelope, found, decision), 'a sender is not who it says');
        },
      }),
    ],
    onCheckFailed({ name: check, whenItFails }, error) {
      count.failed(check);
      log.error({ check, whenItFails, err: error }, 'a check failed');
    },
    reception: new Reception({
      trusted: trustedNetworks,
      greetingDelay,
      limits: config.strangers,
      onTurnedAway(bound, address) {
        count.turnedAway(bound);
        log.debug({ bound, address }, 'a stranger was turned away');
      },
    }),
  };
}

/** For the log: who brought it and whose name it has, not what it says. */
function told({ id, remoteAddress }: Envelope, { spf, dkim, dmarc }: Authentication, decision: Decision) {
  return {
    id,
    address: remoteAddress,
    decision,
    author: dmarc?.domain,
    spf: spf?.result,
    dkim: dkim.map(({ result }) => result),
    dmarc: dmarc?.result,
  };
}

function counters(registry: Metrics['registry']) {
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const results = counter(
    'rainmail_authentication_results_total',
    'What was found out about senders, by method and result.',
    'method',
    'result',
  );
  const decisions = counter(
    'rainmail_authentication_decisions_total',
    'What became of messages by what was found out about their senders.',
    'decision',
  );
  const failed = counter('rainmail_checks_failed_total', 'Checks that failed or took too long, by name.', 'check');
  const turnedAway = counter('rainmail_strangers_turned_away_total', 'Strangers who met a bound, by which.', 'bound');
  return {
    results({ dkim, ...one }: Authentication, decision: Decision): void {
      for (const [method, finding] of Object.entries(one)) results.inc({ method, result: finding.result });
      for (const { result } of dkim) results.inc({ method: 'dkim', result });
      decisions.inc({ decision });
    },
    failed: (check: string) => failed.inc({ check }),
    turnedAway: (bound: string) => turnedAway.inc({ bound }),
  };
}
