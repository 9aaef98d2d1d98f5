/** From a request to a visit: the session of its cookie, and whether the request comes from our own pages. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BadCommand } from '../../errors.ts';
import { clientOf, peerOf } from '../client.ts';
import { actorOf, stillHolds } from './grant.ts';
import type { Granted } from './sign-in.ts';
import { type GuestVisit, parseForm, type SettingsParts, type Visit } from './visit.ts';
import type { WebSession } from './web-session.ts';

/** The largest form has a few short fields. */
export const BODY_LIMIT = 16 << 10;
/** RFC 6265bis 4.1.3.2: a browser takes this name over TLS alone, for this host alone, so no other host can set it. */
const COOKIE = '__Host-rainmail';
const COOKIE_OPTIONS = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

const token = z.object({ csrf: z.string() });

export class Visits {
  readonly parts: SettingsParts;

  constructor(parts: SettingsParts) {
    this.parts = parts;
  }

  guest(request: FastifyRequest): GuestVisit {
    return {
      parts: this.parts,
      peer: peerOf(request.raw, 'settings'),
      client: request.headers['user-agent'] ?? '',
      origin: originOf(request),
      query(name) {
        const value = (request.query as Record<string, unknown>)[name];
        return typeof value === 'string' ? value : undefined;
      },
      form: (schema) => parseForm(schema, request.body),
    };
  }

  /** A form of somebody who is not signed in. @throws BadCommand when it comes from elsewhere */
  guestPosted(request: FastifyRequest): GuestVisit {
    requireOwnOrigin(request);
    return this.guest(request);
  }

  /** Lets whoever is signed in do something; `nobody` answers where that is nobody, or nobody any more. */
  async inside<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    { nobody, somebody }: { readonly nobody: () => T; readonly somebody: (visit: Visit) => Promise<T> },
  ): Promise<T> {
    const session = this.#session(request);
    if (session === undefined) return nobody();
    return session.during(async () => {
      const visit = await this.#visit(session, request, reply);
      return visit === null ? nobody() : somebody(visit);
    });
  }

  /** The same for a form of theirs. @throws BadCommand when it is not from one of our pages, or from before the session */
  async posted<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    { nobody, somebody }: { readonly nobody: () => T; readonly somebody: (visit: Visit) => Promise<T> },
  ): Promise<T> {
    requireOwnOrigin(request);
    return this.inside(request, reply, {
      nobody,
      somebody(visit) {
        if (visit.session.isToken(visit.form(token).csrf)) return somebody(visit);
        throw new BadCommand('This page is from before you signed in. Load it again, then send the form once more.');
      },
    });
  }

  /** Begins a session for the browser, in place of the one it had. @throws Refused when they may not sign in any more */
  async begin({ grant, signedIn }: Granted, request: FastifyRequest, reply: FastifyReply): Promise<WebSession> {
    this.#session(request)?.end();
    const { address, local } = clientOf(request.raw);
    const client = request.headers['user-agent'] ?? '';
    const { session, secret } = this.parts.webSessions.begin({
      grant,
      credential: signedIn.credential,
      address,
      local,
      client,
    });
    try {
      await signedIn.confirm(); // after the session can be found: see net/sessions.ts
    } catch (error) {
      session.end();
      throw error;
    }
    reply.setCookie(COOKIE, secret, COOKIE_OPTIONS);
    return session;
  }

  /** The browser forgets its session. */
  forget(reply: FastifyReply): void {
    reply.clearCookie(COOKIE, COOKIE_OPTIONS);
  }

  /** To where one signs in, and from there to the page that was wanted. */
  toSignIn(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
    const had = request.cookies[COOKIE] !== undefined;
    if (had) this.forget(reply);
    return reply.redirect(`/settings/sign-in?to=${path}${had ? '&ended' : ''}`, 303);
  }

  #session({ cookies }: FastifyRequest): WebSession | undefined {
    const secret = cookies[COOKIE];
    return secret === undefined ? undefined : this.parts.webSessions.find(secret);
  }

  /** Null: the session was ended, or what it was begun with holds no more. */
  async #visit(session: WebSession, request: FastifyRequest, reply: FastifyReply): Promise<Visit | null> {
    const { directory } = this.parts;
    const guest = this.guest(request);
    const record = await directory.signInRecord(session.grant.name);
    if (session.ended) return null;
    if (!stillHolds(session.grant, record, guest.peer)) {
      session.end();
      return null;
    }
    const { account, access } = record;
    const actor = actorOf(account);
    let goesOn = session;
    return {
      ...guest,
      session,
      account,
      access,
      actor,
      changes: directory.by(actor),
      begin: async (granted) => {
        goesOn = await this.begin(granted, request, reply);
      },
      notify: (text) => {
        goesOn.notice = text;
      },
    };
  }
}

/** Where the browser finds this server. */
function originOf({ host }: FastifyRequest): string {
  return `https://${host}`;
}

/** Every browser names the origin of a form; a page elsewhere can't make it name ours (RFC 6454 7). @throws BadCommand */
function requireOwnOrigin(request: FastifyRequest): void {
  if (request.headers.origin !== originOf(request)) {
    throw new BadCommand('This form does not come from this page. Load the page again.');
  }
}
