// npm test [-- PATTERN...]: runs the tests and says aloud what was skipped. With NO_SKIPS=1 a skipped test is a failure.
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

// Every test file is a process, as are the servers that they start: what they load is compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));

const patterns = process.argv.slice(2);
const skipped = [];
let count = 0;

// Two files also on one processor: much of a test's time is waiting for disks and sockets. More than processors would make tests wait for each other.
const tests = run({
  globPatterns: patterns.length > 0 ? patterns : ['test/**/*.test.ts'],
  concurrency: Math.max(2, availableParallelism()),
});
tests.on('test:fail', () => {
  count++;
  process.exitCode = 1;
});
tests.on('test:pass', ({ name, skip }) => {
  count++;
  if (skip !== undefined) skipped.push(`${name}${typeof skip === 'string' ? ` (${skip})` : ''}`);
});
tests.compose(spec).pipe(process.stdout);

process.on('exit', () => {
  if (count === 0) {
    console.error(`No test matches ${patterns.join(' ')}`);
    process.exitCode = 1;
  }
  if (skipped.length === 0) return;
  console.error(`\nSkipped ${skipped.length}:\n${skipped.map((name) => `  ${name}`).join('\n')}`);
  if (process.env.NO_SKIPS === '1') {
    console.error('NO_SKIPS=1: a skipped test is a failure here.');
    process.exitCode = 1;
  }
});
