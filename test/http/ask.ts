/** Asks an HTTP server as a client does that speaks it well: one request, one answer. */
import { once } from 'node:events';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { request as tlsRequest } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
}

export interface Question extends Pick<RequestOptions, 'method' | 'headers' | 'agent'> {
  readonly body?: string;
  /** With TLS; whatever the certificate. */
  readonly secure?: boolean;
}

/** Asks the server on this machine's `port` for `path`. */
export async function ask(port: number, path: string, question: Question = {}): Promise<Answer> {
  const { body, secure = false, ...options } = question;
  const where = { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, ...options };
  const request = secure ? tlsRequest(where) : plainRequest(where);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { status: response.statusCode!, headers: response.headers, body: bytes.toString(), bytes };
}
