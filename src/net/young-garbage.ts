/**
 * Buffers of what arrives are garbage soon, but V8 collects them late: it counts the few small objects, not the 64 KB behind each. Fifty
 * megabytes that only pass through would stay in memory for a while. So a collection of young objects, about a millisecond, is asked for now
 * and then while much arrives.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that arrive between two collections. */
const EVERY = 2 << 20;
/** Smaller reads are a conversation, not a stream. */
const LARGE_READ = 16 << 10;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;
let arrived = 0;

/** Notes bytes that were read from a socket at once. */
export function noteRead(bytes: number): void {
  if (bytes < LARGE_READ) return;
  arrived += bytes;
  if (arrived < EVERY) return;
  arrived = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

/** The only way to the collector for a process that was started without the flag. */
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
