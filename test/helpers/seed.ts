/**
 * What chance begins with in every test: the same in every run of the suite, so that a failure speaks of the change under test. The long runs of
 * package.json begin with new ones, each of which is told; RAINMAIL_TEST_SEED sets one.
 */
const given = process.env['RAINMAIL_TEST_SEED'] ?? '1';
export const SEED = given === 'new' ? Date.now() % 2 ** 32 : Number(given);
