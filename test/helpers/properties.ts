/** fast-check, which begins with the {@link SEED}. New ones are tried by `npm run test:properties`. */
import fc from 'fast-check';
import { SEED } from './seed.ts';

fc.configureGlobal({ seed: SEED });

export default fc;
