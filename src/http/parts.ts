/** What the plugins are made of. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { HttpChallenges } from '../acme/challenges.ts';
import type { Authenticator } from '../auth/types.ts';
import type { ReachableServices } from '../autoconfig/services.ts';
import type { Signer } from '../autoconfig/sign-profile.ts';
import type { Config } from '../config/schema.ts';
import type { Directory } from '../directory/directory.ts';
import type { Sessions } from '../net/sessions.ts';
import type { OwnMail } from '../outbound/own-mail.ts';
import type { MailStore } from '../store/store.ts';

/** The parts of the server that a plugin may ask. */
export interface HttpParts {
  /** Name of this server, as its certificate has it. */
  readonly name: string;
  readonly config: Config;
  readonly directory: Directory;
  readonly store: MailStore;
  readonly sessions: Sessions;
  readonly authenticator: Authenticator;
  /** What people have sent and what waits to leave. */
  readonly ownMail: OwnMail;
  /** What certificate authorities ask while they check a name. */
  readonly challenges: HttpChallenges;
  /** Where clients reach the services, as it is known when everything listens: ask at each request. */
  readonly services: () => ReachableServices;
  /** What the server signs with: the certificate that clients see, and its key. Secret. */
  readonly signer: () => Signer;
  readonly log: Logger;
  readonly onInternalError: (where: string, error: unknown) => void;
}

/** One concern: its routes, hooks and what they need. It has a scope of its own: hooks and error handlers hold for its routes alone. */
export type HttpPlugin = (app: FastifyInstance, parts: HttpParts) => Promise<void>;
