/**
 * Requests to the OpenID provider, in the shape of `fetch` that the libraries ask for.
 *
 * Invariant: each is bounded in time and size, encrypted unless it stays on this machine, and goes where it was sent: no redirects.
 */
import type { IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { libraries } from '../../libraries.ts';
import { isLoopback } from '../../net/address.ts';
import type { Milliseconds } from '../../store/ids.ts';

/** A key set of a hundred certificates has about 200 KB. */
const MOST_BYTES = 1 << 20;
const WITHIN: Milliseconds = 5_000;

export interface RequestInit {
  readonly method: string;
  readonly headers: Headers | Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** @param authority  PEM certificates to trust, in place of the public ones */
export function providerFetch(authority: string | null): Fetch {
  const trust = authority === null ? {} : { ca: authority };
  return async (url, { method, headers, body, signal }) => {
    const target = new URL(url);
    if (!isSafe(target)) throw new Error(`${target.origin} is not asked: it is neither encrypted nor on this machine`);
    const timeout = AbortSignal.timeout(WITHIN);
    const options = {
      method,
      headers: Object.fromEntries(new Headers(headers as Headers)),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    };
    const secure = target.protocol === 'https:';
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = secure
        ? requestTls(target, { ...options, ...trust }, resolve)
        : libraries.http.request(target, options, resolve);
      request.once('error', reject);
      request.end(body === undefined || body === null ? undefined : String(body));
    });
    return new Response(await whole(response), {
      status: response.statusCode ?? 500,
      headers: Object.entries(response.headersDistinct).flatMap(([name, values]) =>
        (values ?? []).map((value): [string, string] => [name, value]),
      ),
    });
  };
}

/** Tokens and secrets cross no network in the clear, and neither do the keys that tokens are checked with. */
export function isSafe({ protocol, hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return protocol === 'https:' || (protocol === 'http:' && (host === 'localhost' || isLoopback(host)));
}

async function whole(response: IncomingMessage): Promise<Buffer<ArrayBuffer> | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > MOST_BYTES) throw new Error('the answer is too long');
  }
  return length === 0 ? null : Buffer.concat(parts);
}
