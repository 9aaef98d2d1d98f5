/** Without TLS there is nothing to read but a way to where it is: the same address with https. */
import type { FastifyRequest } from 'fastify';
import { parseDomain } from '../directory/address.ts';
import type { HttpPlugin } from './parts.ts';

export const redirectToHttps: HttpPlugin = async (app, { name, services }) => {
  /** The name that the client called us by, if it is one with a certificate of its own. */
  const hostOf = (request: FastifyRequest): string => {
    const host = parseDomain(request.host.replace(/:\d+$/, '')) ?? name;
    // Outlook asks at this name without TLS once it found no certificate for it: to the person it then names the one it is led to.
    return host.startsWith('autodiscover.') ? services().host : host;
  };
  app.get('/*', async (request, reply) => {
    const port = services().https;
    if (port === null) return reply.callNotFound();
    // 302 and no other: Outlook takes none but this on its way to autodiscover.
    return reply.redirect(`https://${hostOf(request)}${port === 443 ? '' : `:${port}`}${request.url}`, 302);
  });
  // What was sent, perhaps a password, has crossed the network in the clear: it must not seem to work.
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    onRequest: async (_request, reply) => reply.code(403).type('text/plain').send('Use https.\n'),
    handler: async () => undefined,
  });
};
