/**
 * Operations that may be too large for the event loop and must be whole: the database's worker runs them by name (engine.writeInWorker).
 * Each is an ordinary operation; its arguments must survive structured cloning.
 */
import type { Writer } from '../engine/engine.ts';

// biome-ignore lint/suspicious/noExplicitAny: the caller and the operation agree on the arguments by name
export const HEAVY_OPERATIONS: Readonly<Record<string, (tx: Writer, args: any) => Promise<unknown>>> = {};
