/** The HTTP and HTTPS services: their application and its listener, as one thing that stops. */
import { openApp } from '../http/app.ts';
import { HTTP, HttpListener, type HttpListenerOptions } from '../http/listener.ts';
import type { HttpParts } from '../http/parts.ts';
import { PLAIN_PLUGINS, SECURE_PLUGINS } from '../http/plugins.ts';
import type { RequestCounter } from '../http/request-counter.ts';
import type { ServiceAddresses } from './addresses.ts';
import type { ServerCertificates } from './certificates.ts';

export interface HttpServiceOptions
  extends Omit<HttpListenerOptions, 'name' | 'addresses' | 'handle' | 'certificates'> {
  readonly service: ServiceAddresses;
  readonly certificates: ServerCertificates;
  readonly parts: HttpParts;
  readonly count: RequestCounter;
}

/** @throws what listening throws, with `address` and `port` */
export async function listenHttp(options: HttpServiceOptions): Promise<HttpListener> {
  const { service, certificates, parts, count, ...rest } = options;
  const { name, implicitTls } = service.service;
  const app = await openApp({
    name,
    secure: implicitTls,
    plugins: implicitTls ? SECURE_PLUGINS : PLAIN_PLUGINS,
    parts,
    log: options.log,
    count,
    onInternalError: parts.onInternalError,
  });
  return HttpListener.listen({
    ...rest,
    name,
    addresses: service.addresses,
    handle: app.handle,
    certificates: implicitTls ? { tlsOptions: () => certificates.httpsOptions(HTTP) } : null,
    onStopped: () => app.close(), // also when it can't listen
  });
}
