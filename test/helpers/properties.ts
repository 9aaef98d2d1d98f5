/**
 * fast-check, with the same seed in every run: a failure of the suite speaks of the change under test. New seeds are tried by
 * `npm run test:properties`; RAINMAIL_TEST_SEED sets one.
 */
import fc from 'fast-check';

const given = process.env['RAINMAIL_TEST_SEED'] ?? '1';
fc.configureGlobal({ seed: given === 'new' ? Date.now() : Number(given) });

export default fc;
