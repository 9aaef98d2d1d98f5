/** What signs mail that leaves, as the server runs it. */
import type { Logger } from 'pino';
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
  return new Signing({
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
}
