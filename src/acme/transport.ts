/**
 * How acme-client reaches the authority. It has one HTTP client for the whole process; what belongs to one call (which certificates to
 * trust, when to give up) comes to it, and what the authority answered comes back, by the call's own context.
 *
 * Invariants:
 * - Every request ends: after {@link REQUEST_TIMEOUT}, or when the call is aborted.
 * - Nothing is tried again here but a used-up nonce (RFC 8555 6.5): when to try again is decided in `schedule.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:https';
import type { Client } from 'acme-client';
import { z } from 'zod';
import type { Milliseconds } from '../store/ids.ts';
import { AcmeFailure, problemFailure } from './failure.ts';

const REQUEST_TIMEOUT: Milliseconds = 30_000;
/** Chains and orders have a few KB. */
const MOST_ANSWER_BYTES = 1 << 20;

interface Call {
  readonly agent: Agent;
  readonly signal: AbortSignal;
  /** The last answer that was an error. */
  refused: { readonly status: number; readonly problem: unknown } | null;
  /** When the authority wants to be asked again, in seconds from now; null: it did not say. */
  retryAfter: number | null;
}

const calls = new AsyncLocalStorage<Call>();

export type AcmeLibrary = typeof import('acme-client');

let loading: Promise<AcmeLibrary> | undefined;

/** The library, loaded when it is needed first: most days it is not. */
export function acmeLibrary(): Promise<AcmeLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<AcmeLibrary> {
  const library = await import('acme-client');
  const { interceptors } = library.axios;
  // Its own try a failed request again and again, and lose the reason when nobody was there.
  interceptors.request.clear();
  interceptors.response.clear();
  interceptors.request.use((config) => {
    const call = calls.getStore();
    if (call === undefined) throw new Error('a request to an authority outside of a call');
    config.headers.set('User-Agent', 'Rainmail'); // RFC 8555 6.1
    return Object.assign(config, {
      httpsAgent: call.agent,
      signal: call.signal,
      timeout: REQUEST_TIMEOUT,
      maxContentLength: MOST_ANSWER_BYTES,
      maxRedirects: 0,
    });
  });
  interceptors.response.use((response) => {
    const call = calls.getStore();
    if (call !== undefined) {
      call.retryAfter = seconds(response.headers['retry-after']);
      if (response.status >= 400) call.refused = { status: response.status, problem: response.data };
    }
    return response;
  });
  return library;
}

/** What an authority said, and when it wants to be asked again. */
export interface Answer<T> {
  readonly value: T;
  readonly retryAfter: number | null;
}

export class Transport {
  readonly #agent: Agent;
  readonly #signal: AbortSignal;

  /** @param ca  PEM of what the server's certificate is checked against; null: what the system trusts */
  constructor(ca: string | null, signal: AbortSignal) {
    this.#agent = new Agent({ keepAlive: true, ...(ca === null ? {} : { ca }) });
    this.#signal = signal;
  }

  /** @throws AcmeFailure with what the authority said, or why it could not be reached */
  async call<T>(step: () => Promise<T>): Promise<Answer<T>> {
    const call: Call = { agent: this.#agent, signal: this.#signal, refused: null, retryAfter: null };
    try {
      const value = await calls.run(call, step);
      return { value, retryAfter: call.retryAfter };
    } catch (error) {
      this.#signal.throwIfAborted();
      if (call.refused !== null)
        throw problemFailure(call.refused.status, call.refused.problem, call.retryAfter, error);
      throw new AcmeFailure('unreachable', `The authority can't be reached: ${reason(error)}.`, { cause: error });
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

export type AcmeClient = Client;

function reason(error: unknown): string {
  const text =
    error instanceof Error ? error.message || ((error as NodeJS.ErrnoException).code ?? error.name) : String(error);
  return text.replace(/\.$/, '');
}

/** RFC 9110 10.2.3: seconds, or a date. Null when it is neither. */
function seconds(header: unknown): number | null {
  const text = z.string().safeParse(header).data;
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - Date.now()) / 1_000));
}
