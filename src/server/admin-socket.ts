/**
 * The admin socket: runs administrative actions in the server, for the command line. Who may open it may do everything, so it
 * lies in the data directory (0700) and is itself 0600; there is no other check.
 *
 * Invariant: no client keeps the server from stopping, whether it asks nothing, reads no answer, or does not hang up.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { z } from 'zod';
import { BadCommand, Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';
import { inputFor, type Run } from './admin/action.ts';
import { findAction } from './admin/actions.ts';
import { type Answer, jsonLines, shortPath, socketPath } from './admin/wire.ts';
import type { Office } from './office.ts';

/** At a time; a command line makes one. */
const MOST_CONNECTIONS = 32;
/** A command line asks at once. */
const REQUEST_WITHIN: Milliseconds = 60_000;
/** When the server stops, clients have so long to read their answers. */
const READ_WITHIN: Milliseconds = 2_000;

const request = z.strictObject({
  action: z.string(),
  input: z.unknown(),
  actor: z.string().max(200),
  again: z.boolean().optional(),
});

export interface AdminSocket {
  /** Takes no more requests, asks those that run to end, and waits until they have. */
  close(): Promise<void>;
}

/** Listens for administrative actions. The caller owns the data directory (its lock): a socket left there is a dead server's. */
export async function openAdminSocket(office: Office, log: Logger, internalError: () => void): Promise<AdminSocket> {
  const running = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const stopping = new AbortController();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const done = serve(socket, { office, log, internalError, stopping: stopping.signal }).finally(() =>
      running.delete(done),
    );
    running.add(done);
  });
  server.maxConnections = MOST_CONNECTIONS;

  rmSync(socketPath(office.data), { force: true });
  const { path, release } = shortPath(socketPath(office.data));
  await listening(server, path);
  chmodSync(path, 0o600);
  return {
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      stopping.abort();
      await Promise.allSettled(running);
      const grace = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, READ_WITHIN);
      await closed;
      clearTimeout(grace);
      release();
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

interface Serving {
  readonly office: Office;
  readonly log: Logger;
  readonly internalError: () => void;
  readonly stopping: AbortSignal;
}

/** One connection: one request. Never rejects. */
async function serve(socket: Socket, { office, log, internalError, stopping }: Serving): Promise<void> {
  const gone = new AbortController();
  socket.on('error', () => socket.destroy()); // the client went away: `close` follows
  const answer = (value: Answer) => socket.writable && socket.write(`${JSON.stringify(value)}\n`);
  let name = 'unknown';
  try {
    const lines = jsonLines(socket);
    const { value, done } = await firstOf(lines, socket, stopping);
    if (done) return;
    // The client says no more: the next we hear of it is its end.
    const leave = () => gone.abort();
    lines.next().then(leave, leave);
    const { action, input, actor, again = false } = request.parse(value);
    name = action;
    const found = await findAction(action);
    if (found === undefined) throw new BadCommand(`no such action: ${action}. Is the server of the same version?`);
    const run: Run = {
      actor,
      progress: (progress) => answer({ progress }),
      signal: AbortSignal.any([gone.signal, stopping]),
    };
    const result = await found.run(office, inputFor(found, input), run);
    log[again ? 'debug' : 'info']({ action: name, actor }, 'administrative action');
    answer({ result });
  } catch (error) {
    if (error instanceof Refused) answer({ error: { code: error.code, text: error.message } });
    else if (error instanceof BadCommand) answer({ error: { code: 'command', text: error.message } });
    else if (error instanceof z.ZodError) answer({ error: { code: 'command', text: z.prettifyError(error) } });
    else {
      internalError();
      log.error({ err: error, action: name }, 'an administrative action failed');
      answer({ error: { code: 'internal', text: 'The action failed by a fault of the server: see its log.' } });
    }
  } finally {
    socket.destroySoon(); // once the answer is written, and whether or not the client hangs up
  }
}

/** The request; `done` when none came: the client left or said nothing for too long, or the server stops. */
async function firstOf(
  lines: AsyncGenerator<unknown, void>,
  socket: Socket,
  stopping: AbortSignal,
): Promise<IteratorResult<unknown, void>> {
  const patience = AbortSignal.any([stopping, AbortSignal.timeout(REQUEST_WITHIN)]);
  const giveUp = () => socket.destroy();
  patience.addEventListener('abort', giveUp);
  try {
    if (patience.aborted) giveUp();
    return await lines.next();
  } catch (error) {
    if (!patience.aborted) throw error;
    return { done: true, value: undefined };
  } finally {
    patience.removeEventListener('abort', giveUp);
  }
}
