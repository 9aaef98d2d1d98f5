/** Checking everything that is stored, and setting right what can be. */
import { z } from 'zod';
import { formatSize } from '../../config/units.ts';
import type { Repaired } from '../../store/repair/repair.ts';
import type { Verified } from '../../store/verify/verify.ts';
import { action } from './action.ts';

/** Reads everything that is stored and checks that it is whole; changes nothing. */
export const verify = action({
  name: 'verify',
  input: z.strictObject({}),
  async run({ store }, _input, { progress }): Promise<Verified> {
    return store.verify(({ bodies, bodyBytes }) =>
      progress({ what: formatSize(bodyBytes), done: bodies, unit: 'bodies' }),
    );
  },
});

/** What a file that is damaged itself needs, no running server can do. */
export interface RepairedBy extends Repaired {
  readonly byServer: boolean;
}

/** Sets right what follows from what is there, and lists the rest. */
export const repair = action({
  name: 'verify.repair',
  input: z.strictObject({}),
  async run({ store, server }, _input, { progress, actor, signal }): Promise<RepairedBy> {
    return { ...(await store.repair({ actor, signal, onProgress: progress })), byServer: server !== null };
  },
});
