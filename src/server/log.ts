/**
 * The log: one JSON object a line on standard error. Each part of the server has a child of its own, with its name.
 * Never the content of mail; what is called a secret is not written, wherever in an object it stands.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

const SECRET = /passw|secret|authorization|credential|private|token/i;
/** Objects within objects, as far as they are looked into. */
const DEPTH = 5;

/** @param to for tests; standard error otherwise. Written at once: what was logged before a crash is there after it. */
export function openLog(level: LogLevel, to: DestinationStream = destination({ fd: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields, DEPTH) },
    },
    to,
  );
}

/** The log of one part of the server: `partLog(log, 'imap')`. */
export function partLog(log: Logger, part: string): Logger {
  return log.child({ part });
}

function withoutSecrets(fields: Record<string, unknown>, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (SECRET.test(name)) safe[name] = '[secret]';
    else safe[name] = isPlain(value) && depth > 0 ? withoutSecrets(value, depth - 1) : value;
  }
  return safe;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
