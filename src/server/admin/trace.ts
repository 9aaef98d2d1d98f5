/** What became of messages. */
import { z } from 'zod';
import { processStartOf } from '../../smtp/transaction-id.ts';
import type { EpochSeconds, QueueId } from '../../store/ids.ts';
import type { TraceFilter } from '../../store/trace-types.ts';
import { findStories } from '../../trace/stories.ts';
import type { Story } from '../../trace/story-types.ts';
import { action } from './action.ts';

export const MOST_STORIES = 1_000;

export interface StoriesListed {
  /** The newest first. */
  readonly stories: readonly Story[];
  /** There are more than were asked for. */
  readonly more: boolean;
}

export const listTrace = action({
  name: 'trace.list',
  input: z.strictObject({
    to: z.string().min(1).optional(),
    from: z.string().min(1).optional(),
    messageId: z.string().min(1).optional(),
    /** The name in its Received line. */
    as: z.string().min(1).optional(),
    queue: z.number().int().positive().optional(),
    account: z.string().min(1).optional(),
    /** Seconds since 1970. */
    since: z.number().int().min(0).optional(),
    until: z.number().int().min(0).optional(),
    most: z.number().int().min(1).max(MOST_STORIES),
  }),
  /** @throws Refused `directory.missing`: no such account */
  async run({ store, directory }, { most, account, queue, ...rest }): Promise<StoriesListed> {
    // What was just refused or retrieved waits to be noted.
    await store.trace.flush();
    const filter = {
      ...rest,
      ...(account !== undefined && { account: (await directory.account(account)).id }),
      ...(queue !== undefined && { queue: queue as QueueId }),
      ...(rest.as !== undefined && { since: Math.max(rest.since ?? 0, notBefore(rest.as)) }),
    };
    return findStories({ store, directory }, filter as TraceFilter, most);
  },
});

/** Clocks may have been set meanwhile, by so much. */
const CLOCK: EpochSeconds = 86_400;

/** It has no key: what came before the process began that named it need not be looked through. */
function notBefore(as: string): EpochSeconds {
  return Math.max(0, Math.floor((processStartOf(as) ?? 0) / 1_000) - CLOCK);
}
