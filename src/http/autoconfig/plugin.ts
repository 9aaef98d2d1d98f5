/**
 * Mozilla's autoconfig. Nobody has signed in: the answer depends on the domain alone, and is byte for byte the same for the addresses that
 * exist and those that don't.
 */
import type { FastifyRequest } from 'fastify';
import { mailAccount } from '../../autoconfig/account.ts';
import { mozillaConfig } from '../../autoconfig/mozilla.ts';
import { parseAddress, parseDomain } from '../../directory/address.ts';
import { Refused } from '../../errors.ts';
import type { HttpPlugin } from '../parts.ts';

const PATHS = ['/.well-known/autoconfig/mail/config-v1.1.xml', '/mail/config-v1.1.xml'];

export const autoconfig: HttpPlugin = async (app, { directory, services }) => {
  for (const path of PATHS) {
    app.get(path, async (request, reply) => {
      const domain = domainOf(request);
      const access = domain && (await directory.domainAccess(domain));
      if (domain === null || !access) throw unknownDomain();
      return reply.type('text/xml; charset=utf-8').send(mozillaConfig(domain, mailAccount(services(), access)));
    });
  }
};

/** The domain of the address, which comes with the request where the server's name is not of that domain; or else the name itself. */
function domainOf({ query, host }: FastifyRequest): string | null {
  const { emailaddress } = query as { emailaddress?: unknown };
  if (typeof emailaddress === 'string') return parseAddress(emailaddress)?.domain ?? null;
  return parseDomain(host.replace(/:\d+$/, '').replace(/^autoconfig\./i, ''));
}

function unknownDomain(): Refused {
  return new Refused('directory.missing', 'This server does not serve the mail of this domain.');
}
