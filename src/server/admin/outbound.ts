/** The way that mail takes to other servers. */
import { z } from 'zod';
import { parseDomain } from '../../directory/address.ts';
import { Refused } from '../../errors.ts';
import { domainOf } from '../../message/addresses.ts';
import type { WayExplained } from '../../outbound/explain.ts';
import { action } from './action.ts';

export interface WayChecked extends WayExplained {
  /** It is a domain of this office: its mail is filed here. */
  readonly ours: boolean;
}

/** What would be done with mail for a domain; with `connect`, what trying it comes to. No mail is sent. */
export const checkWay = action({
  name: 'outbound.check',
  input: z.strictObject({ domain: z.string().min(1).max(320), connect: z.boolean() }),
  async run({ sending, directory }, { domain, connect }, { signal }): Promise<WayChecked> {
    const name = parseDomain(domainOf(domain));
    if (name !== null && (await directory.domains()).includes(name))
      return { domain: name, ours: true, route: null, sts: null, hosts: [], trouble: null, temporary: false };
    if (sending !== null) return { ...(await sending.explain(domain, connect, signal)), ours: false };
    throw new Refused(
      'server.needed',
      'No server runs here that sends mail to others. Start it; if it runs, see outbound.enabled in its configuration. A trial office sends nothing.',
    );
  },
});
