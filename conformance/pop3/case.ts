/** One requirement of one RFC, and how it is seen whether a server keeps it. */
import type { Ground } from './ground.ts';

export interface Case {
  /** Stable: RFC, section, running number. */
  readonly id: string;
  /** MUST: the RFC's MUST, or what it defines without another word. SHOULD: the RFC's SHOULD, or what it advises. */
  readonly level: 'MUST' | 'SHOULD';
  /** What the server has to do, in our words. */
  readonly says: string;
  /** Needed for it; where the server doesn't announce it the case is not applicable. */
  readonly capability?: string;
  /** It needs both ways in: without TLS, with STLS. */
  readonly needsPlain?: boolean;
  readonly run: (ground: Ground) => Promise<void>;
}

/** Left undone by a case that finds nothing to examine. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}
