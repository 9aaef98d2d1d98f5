/**
 * Answers a certificate authority that checks a name (RFC 8555 8.3), while an order is under way. With TLS as well: it follows a proxy or router
 * that redirects to https.
 */
import type { HttpPlugin } from './parts.ts';

export const acmeChallenges: HttpPlugin = async (app, { challenges }) => {
  app.get<{ Params: { token: string } }>('/.well-known/acme-challenge/:token', async (request, reply) => {
    const answer = challenges.answer(request.params.token);
    return answer === undefined ? reply.callNotFound() : reply.type('application/octet-stream').send(answer);
  });
};
