/** The way that mail takes to other servers. */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import type { WayExplained } from '../../outbound/explain.ts';
import { action } from './action.ts';

/** What would be done with mail for a domain; with `connect`, what trying it comes to. No mail is sent. */
export const checkWay = action({
  name: 'outbound.check',
  input: z.strictObject({ domain: z.string().min(1).max(320), connect: z.boolean() }),
  async run({ sending }, { domain, connect }, { signal }): Promise<WayExplained> {
    if (sending !== null) return sending.explain(domain, connect, signal);
    throw new Refused(
      'server.needed',
      'No server runs here that sends mail to others. Start it; if it runs, see outbound.enabled in its configuration. A trial office sends nothing.',
    );
  },
});
