/**
 * Buffers through which mail passes are garbage soon, but V8 collects them late and at a high price: it sees the small objects, not the bytes
 * behind them, until these are so many that it collects the whole heap. So a collection of young objects, which takes less than a
 * millisecond, is asked for each time some megabytes have passed. Memory stays flat, and the long collections don't happen.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes between two collections. */
const EVERY = 2 << 20;
/** Smaller buffers are those of a conversation, not of mail that passes. */
const LARGE = 16 << 10;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;
let passed = 0;

/** Notes that a buffer of so many bytes was made for mail that passes through. */
export function noteBuffer(bytes: number): void {
  if (bytes < LARGE) return;
  passed += bytes;
  if (passed < EVERY) return;
  passed = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

/** The only way to the collector for a process that was started without the flag. */
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
