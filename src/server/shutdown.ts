/** Signals: SIGTERM and SIGINT end the server in order, a second one at once; SIGHUP reads the certificates anew. */
import type { Logger } from 'pino';

export interface Stoppable {
  stop(): Promise<void>;
  reloadCertificates(): Promise<unknown>;
  /** Resolves when the server ended by itself: the disk failed. */
  readonly failed: Promise<Error>;
}

/** As shells number a death by signal. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs until a signal ends the server. @returns the exit code: 0 after a clean end, 1 when the store failed */
export async function untilStopped(server: Stoppable, log: Logger): Promise<number> {
  const reload = () => void server.reloadCertificates();
  process.on('SIGHUP', reload);
  let stopping = false;
  const signalled = new Promise<null>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(SIGNAL_EXIT[signal]); // what was acknowledged is on disk anyway
        stopping = true;
        log.info({ signal }, 'stopping');
        resolve(null);
      });
    }
  });
  const failure = await Promise.race([signalled, server.failed]);
  stopping = true;
  if (failure !== null)
    log.fatal({ err: failure }, 'the store failed: the server ends. Look at the disk, then start it again');
  await server.stop();
  log.info('stopped');
  return failure === null ? 0 : 1;
}
