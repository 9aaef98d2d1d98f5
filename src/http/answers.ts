/** What the three kinds of error (errors.ts) become over HTTP. */
import { BadCommand, type ProtocolCode, Refused } from '../errors.ts';

/** Refusals that have a status of their own; the others are 403. */
const STATUS: Partial<Record<ProtocolCode, number>> = {
  'auth.failed': 401,
  'auth.unavailable': 503,
  'directory.missing': 404,
  'directory.exists': 409,
  'directory.invalid': 400,
  'mailbox.missing': 404,
  'mailbox.exists': 409,
  'message.gone': 404,
  'message.too-large': 413,
  'limit.reached': 429,
  'quota.exceeded': 507,
  'store.full': 507,
  'store.failed': 503,
};

export interface Answer {
  readonly status: number;
  /** For the person who reads it. */
  readonly text: string;
}

/** The answer to what the client or its person did wrong; null: the fault is ours, and its cause is for the log alone. */
export function answerTo(error: unknown): Answer | null {
  if (error instanceof BadCommand) return { status: 400, text: error.message };
  if (error instanceof Refused) return { status: STATUS[error.code as ProtocolCode] ?? 403, text: error.message };
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  // What fastify itself finds wrong with a request: too large, of no media type it knows, an address that can't be read.
  if (code?.startsWith('FST_ERR_') && statusCode !== undefined && statusCode < 500) {
    return { status: statusCode, text: (error as Error).message };
  }
  return null;
}

export const OUR_FAULT: Answer = {
  status: 500,
  text: 'Something went wrong on this server. It is in the log of the server.',
};
