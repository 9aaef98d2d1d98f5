/** Signing in with HTTP's Basic (RFC 7617), for programs; people have a page. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, SignedIn } from '../auth/types.ts';
import type { SignInProtocol } from '../directory/types.ts';
import { BadCommand } from '../errors.ts';
import { peerOf } from './client.ts';

const CHALLENGE = 'Basic realm="Rainmail", charset="UTF-8"';

/** Asks the client to sign in. */
export function challenge(reply: FastifyReply): FastifyReply {
  return reply.code(401).header('www-authenticate', CHALLENGE).type('text/plain; charset=utf-8').send('Sign in.\n');
}

/** True when the request says who it is, rightly or not. */
export function hasBasic(request: FastifyRequest): boolean {
  return /^basic /i.test(request.headers.authorization ?? '');
}

/**
 * Checks who the request says it is.
 * @throws Refused as {@link Authenticator.password} does, BadCommand when it is malformed
 */
export function basicSignIn(
  request: FastifyRequest,
  authenticator: Authenticator,
  protocol: SignInProtocol,
): Promise<SignedIn> {
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(request.headers.authorization ?? '');
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) throw new BadCommand('the Authorization field is malformed');
  return authenticator.password(text.slice(0, colon), text.slice(colon + 1), peerOf(request.raw, protocol));
}
