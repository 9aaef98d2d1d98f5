/** Without TLS there is nothing to read but a way to where it is: the same address with https. */
import type { FastifyRequest } from 'fastify';
import { parseDomain } from '../directory/address.ts';
import type { HttpPlugin } from './parts.ts';

export const redirectToHttps: HttpPlugin = async (app, { name, services }) => {
  app.get('/*', async (request, reply) => {
    const port = services().https;
    if (port === null) return reply.callNotFound();
    // 302 and no other: Outlook takes none but this on its way to autodiscover.
    return reply.redirect(`https://${hostOf(request, name)}${port === 443 ? '' : `:${port}`}${request.url}`, 302);
  });
  // What was sent, perhaps a password, has crossed the network in the clear: it must not seem to work.
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    onRequest: async (_request, reply) => reply.code(403).type('text/plain').send('Use https.\n'),
    handler: async () => undefined,
  });
};

/** The name that the client called us by, if it is one. */
function hostOf(request: FastifyRequest, otherwise: string): string {
  return parseDomain(request.host.replace(/:\d+$/, '')) ?? otherwise;
}
