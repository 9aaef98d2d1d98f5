/**
 * The application behind an HTTP listener: fastify with what holds for every page.
 *
 * Invariants:
 * - No answer goes without the security headers; a page that needs more says so itself.
 * - The log knows the path of a request, never its query, its cookies or what signs in with it.
 * - A fault of ours is logged with its cause, counted, and told to the client as nothing but that.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { libraries } from '../libraries.ts';
import { answerTo, OUR_FAULT } from './answers.ts';
import { clientOf } from './client.ts';
import type { HttpParts, HttpPlugin } from './parts.ts';
import type { RequestCounter } from './request-counter.ts';

/** The largest body of a request, unless a route says otherwise. */
const MOST_BODY_BYTES = 64 * 1024;

/** RFC 6797: browsers that were here once come with TLS only, for a year. */
const STRICT_TRANSPORT = 'max-age=31536000';

/** Nothing may be loaded, run, framed or sent anywhere. A page of HTML sets its own, as narrow as it can. */
const CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = {
  'content-security-policy': CONTENT_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const OUR_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export interface AppOptions {
  /** `http` or `https`. */
  readonly name: string;
  readonly secure: boolean;
  readonly plugins: readonly HttpPlugin[];
  readonly parts: HttpParts;
  readonly log: Logger;
  readonly count: RequestCounter;
  readonly onInternalError: (where: string, error: unknown) => void;
}

export interface HttpApp {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

/** Makes the application; when it resolves, every plugin is ready. */
export async function openApp(options: AppOptions): Promise<HttpApp> {
  const { name, secure, plugins, parts, log, count, onInternalError } = options;
  let handle: HttpApp['handle'] | undefined;
  const securityHeaders = secure ? { ...HEADERS, 'strict-transport-security': STRICT_TRANSPORT } : HEADERS;
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }), // it would log the query
    bodyLimit: MOST_BODY_BYTES,
    return503OnClosing: false, // the listener sees to its end
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    rewriteUrl: ({ url = '/' }) => canonicalUrl(url),
    // It is the listener that gets the connections, and gives us the requests.
    serverFactory(handler) {
      handle = handler;
      return libraries.http.createServer();
    },
    frameworkErrors(error, request, reply) {
      reply.headers(securityHeaders);
      return fail(error, request, reply);
    },
  });

  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const answer = answerTo(error);
    if (answer === null) {
      log.error({ method: request.method, path: pathOf(request), err: error }, 'a request failed by a fault of ours');
      onInternalError(name, error);
    }
    const { status, text } = answer ?? OUR_FAULT;
    return reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`);
  };
  app.setErrorHandler(fail);
  app.setNotFoundHandler((request, reply) => {
    // RFC 9110 9.1: a method that nothing here knows.
    const status = (OUR_METHODS as readonly string[]).includes(request.method) ? 404 : 501;
    const text = status === 404 ? 'There is no such page.' : 'There is no such method.';
    return reply.code(status).type('text/plain; charset=utf-8').send(`${text}\n`);
  });

  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  app.addHook('onResponse', async (request, reply) => {
    count(name, request.routeOptions.url ?? 'none', reply.statusCode);
    const { address } = clientOf(request.raw);
    log.debug({ method: request.method, path: pathOf(request), status: reply.statusCode, address }, 'answered');
  });

  const routes = methodsByUrl(app);
  for (const plugin of plugins) await app.register(async (scope) => plugin(scope, parts));
  await app.after();
  for (const [url, methods] of routes()) refuseOtherMethods(app, url, methods);
  await app.ready();
  return {
    handle: handle!,
    async close() {
      await app.close();
    },
  };
}

/** Routes here have no JSON schemas (what comes in is checked by zod): fastify need not load a compiler for them, which is large. */
function noSchemas(): never {
  throw new Error('a route has a JSON schema: give fastify a compiler for it');
}

/** Collects which methods each address takes. */
function methodsByUrl(app: FastifyInstance): () => [url: string, methods: Set<string>][] {
  const byUrl = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = byUrl.get(url) ?? new Set();
    byUrl.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => [...byUrl];
}

/** RFC 9110 15.5.6: a page that is there, but not for this method, says which it takes. */
function refuseOtherMethods(app: FastifyInstance, url: string, taken: ReadonlySet<string>): void {
  const others = OUR_METHODS.filter((method) => !taken.has(method));
  const allow = [...taken].join(', ');
  if (others.length === 0) return;
  app.route({
    method: others,
    url,
    exposeHeadRoute: false,
    // Before its body is read.
    onRequest: async (_request, reply) =>
      reply.code(405).header('allow', allow).type('text/plain; charset=utf-8').send(`This page takes ${allow} only.\n`),
    handler: async () => undefined,
  });
}

/** Outlook writes the path of its own address in more than one way. */
function canonicalUrl(url: string): string {
  return url.replace(/^\/autodiscover\/autodiscover\.(?:xml|json)(?=[?/]|$)/i, (path) => path.toLowerCase());
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0]!;
}
