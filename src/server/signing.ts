/** What signs mail that leaves, as the server runs it. */
import type { Logger } from 'pino';
import { Gauge } from 'prom-client';
import type { Directory } from '../directory/directory.ts';
import type { Resolver } from '../dns/resolver.ts';
import { Signing } from '../signing/signing.ts';
import type { MailStore } from '../store/store.ts';
import { partLog } from './log.ts';
import type { Metrics } from './metrics.ts';

interface Parts {
  readonly store: MailStore;
  readonly directory: Directory;
  readonly resolver: Resolver;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export function openSigning({ store, directory, resolver, log: serverLog, metrics }: Parts): Signing {
  const log = partLog(serverLog, 'signing');
  const signing = new Signing({
    engine: store.engine,
    directory,
    resolver,
    log,
    onInternalError(error) {
      metrics.internalError('signing');
      log.error(
        { err: error },
        'a fault of ours; the mail leaves without a signature, and keys are looked at again later',
      );
    },
  });
  new Gauge({
    name: 'rainmail_dkim_records_missing',
    help: 'Keys that sign and whose records the DNS did not show when it was last asked.',
    registers: [metrics.registry],
    collect() {
      this.set(signing.keyring.missingRecords.length);
    },
  });
  return signing;
}
