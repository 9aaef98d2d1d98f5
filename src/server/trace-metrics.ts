/** What the metrics tell of the trace. */
import { Gauge, type Registry } from 'prom-client';
import type { Trace } from '../store/trace.ts';

export function countTrace(registry: Registry, trace: Pick<Trace, 'leftOut'>): void {
  new Gauge({
    name: 'rainmail_trace_left_out',
    help: 'Refusals and retrievals since the start that came too fast to be kept in the trace: somebody tries names at random, perhaps.',
    registers: [registry],
    collect() {
      this.set(trace.leftOut);
    },
  });
}
