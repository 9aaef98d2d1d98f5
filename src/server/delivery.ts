/** The delivery pipeline as the server runs it, and how it is counted. */
import type { Config } from '../config/schema.ts';
import { DeliveryPipeline } from '../delivery/pipeline.ts';
import { Senders } from '../delivery/senders.ts';
import type { Delivery } from '../delivery/types.ts';
import { srsOf } from '../signing/signing.ts';
import type { Inbound } from './checks.ts';
import type { Metrics } from './metrics.ts';
import type { Office } from './office.ts';
import type { Outbound } from './outbound.ts';

interface Parts {
  /** As this server calls itself. */
  readonly name: string;
  readonly office: Office;
  readonly config: Config;
  readonly metrics: Metrics;
  readonly outbound: Pick<Outbound, 'outgoing' | 'allowances' | 'notices' | 'deliverBy'>;
  readonly inbound: Pick<Inbound, 'checks' | 'onCheckFailed'>;
}

/** The way into mailboxes and to other servers for all mail that comes in. */
export function openDelivery({ name, office, config, metrics, outbound, inbound }: Parts): Delivery {
  const { outgoing, allowances } = outbound;
  const { checks, onCheckFailed } = inbound;
  const { store, directory, ldap } = office;
  const resolver = ldap?.resolver ?? directory;
  directory.ways.sends = outgoing !== undefined;
  const pipeline = new DeliveryPipeline(resolver, store, {
    hostname: name,
    detailFolders: config.delivery.detailFolders,
    outgoing: outgoing && { ...outgoing, srs: srsOf(directory) },
    forwardedByHour: config.limits.forwardedByHour,
    senders: new Senders(resolver, directory),
    allowances,
    notices: outbound.notices,
    checks,
    onCheckFailed,
  });
  const delivery = counting(pipeline, metrics);
  outbound.deliverBy(delivery);
  return delivery;
}

/** Deliveries, counted by their outcomes. */
function counting(delivery: Delivery, metrics: Metrics): Delivery {
  return {
    acceptsSender: (envelope) => delivery.acceptsSender(envelope),
    accepts: (recipient, envelope) => delivery.accepts(recipient, envelope),
    refused: (envelope, why) => delivery.refused(envelope, why),
    async deliver(envelope, message) {
      const outcomes = await delivery.deliver(envelope, message);
      for (const outcome of outcomes) {
        metrics.delivery(envelope.protocol, outcome.ok ? 'delivered' : outcome.reply < 500 ? 'deferred' : 'refused');
      }
      return outcomes;
    },
  };
}
