/** What the metrics tell of the trace. */
import { Counter, type Registry } from 'prom-client';
import type { Trace } from '../store/trace.ts';

export function countTrace(registry: Registry, trace: Pick<Trace, 'leftOut'>): void {
  new Counter({
    name: 'rainmail_trace_left_out_total',
    help: 'Refusals and retrievals that came too fast to be kept in the trace: somebody tries names at random, perhaps.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(trace.leftOut);
    },
  });
}
