/**
 * Mail that waits for a route which the configuration does not have any more goes the way that it has now: whoever mistypes a host, or changes the
 * provider, mends the file and starts the server again.
 */
import type { Logger } from 'pino';
import type { Routes } from '../outbound/route.ts';
import type { Queue } from '../store/queue.ts';
import { recordQueueChange } from '../trace/attempts.ts';

/** More routes and domains than any office has. */
const MOST_DESTINATIONS = 10_000;

/** Moves it, a page at a time, until it is told to stop. Nothing is looked through where every route is there. */
export async function leaveGoneRoutes(
  queue: Pick<Queue, 'byDestination' | 'pages' | 'change'>,
  routes: Pick<Routes, 'wayTo' | 'destinationOf'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const isGone = (destination: string) => routes.wayTo(destination) === undefined;
  const waiting = await queue.byDestination(MOST_DESTINATIONS);
  const gone = waiting.filter(({ destination }) => isGone(destination)).map(({ destination }) => destination);
  if (gone.length === 0) return;
  let recipients = 0;
  for await (const page of queue.pages()) {
    if (signal.aborted) break;
    const moving = page.filter((entry) => isGone(entry.destination));
    for (const [destination, entries] of Map.groupBy(moving, ({ address }) => routes.destinationOf(address))) {
      if (destination === undefined) continue;
      await queue.change(entries, { kind: 'reroute', destination }, (tx, chunk) =>
        recordQueueChange(tx, chunk, { kind: 'reroute', destination }, 'the configuration'),
      );
      recipients += entries.length;
    }
  }
  log.warn(
    { gone, recipients },
    'mail that waited for a route that is not configured any more goes as the configuration says now',
  );
}
