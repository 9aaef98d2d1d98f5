import { z } from 'zod';
import { formatSize } from '../../config/units.ts';
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
