/** The policy for TLS on the way to our domains (RFC 8461 3.3). With TLS alone: without, senders would believe whoever is in between. */
import { stsPolicy } from '../autoconfig/mta-sts.ts';
import { parseDomain } from '../directory/address.ts';
import type { HttpPlugin } from './parts.ts';

const PREFIX = 'mta-sts.';

export const mtaSts: HttpPlugin = async (app, { config, directory, services }) => {
  app.get('/.well-known/mta-sts.txt', async (request, reply) => {
    const host = parseDomain(request.host.replace(/:\d+$/, ''));
    const domain = host?.startsWith(PREFIX) ? host.slice(PREFIX.length) : null;
    const policy = stsPolicy(config.mtaSts, services());
    if (policy === null || domain === null || (await directory.domainAccess(domain)) === null) {
      return reply.callNotFound();
    }
    return reply.type('text/plain').send(policy);
  });
};
