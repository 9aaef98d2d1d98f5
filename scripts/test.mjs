// npm test [-- PATTERN...]: runs the tests and says aloud what was skipped. With NO_SKIPS=1 a skipped test is a failure.
import { subscribe } from 'node:diagnostics_channel';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

// Every test file is a process, as are the servers that they start: what they load is compiled once.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));

/**
 * For one file. None is that slow on any machine: what takes longer waits for what never comes, and would have CI wait with it, without a word.
 * Long random runs (RAINMAIL_CRASH_ROUNDS and such) take longer: RAINMAIL_TEST_MINUTES is for them.
 */
const MOST_MINUTES = Number(process.env.RAINMAIL_TEST_MINUTES ?? 10);

const patterns = process.argv.slice(2);
const skipped = [];
let count = 0;

// Two files also on one processor: much of a test's time is waiting for disks and sockets. More than processors would make tests wait for each other.
const tests = run({
  globPatterns: patterns.length > 0 ? patterns : ['test/**/*.test.ts'],
  concurrency: Math.max(2, availableParallelism()),
});

// The runner's own `timeout` is for a test, and only while its process is free to look: a file may also hang before and after its tests.
const underWay = new Map();
tests.on('test:dequeue', ({ file, name }) => underWay.set(file, (underWay.get(file) ?? new Set()).add(name)));
tests.on('test:complete', ({ file, name }) => underWay.get(file)?.delete(name));
subscribe('child_process', ({ process: child }) => {
  const time = setTimeout(() => {
    const file = child.spawnargs.at(-1);
    const names = [...(underWay.get(resolve(file)) ?? [])].filter((name) => name !== file);
    const where = names.length > 0 ? `in “${names.join('” and “')}”` : 'in no test that it told of';
    console.error(`\n${file} was ended after ${MOST_MINUTES} minutes: it was ${where}.\n`);
    child.kill('SIGKILL');
    // What it has started may still hold its output, which would be waited for.
    const letGo = () => {
      for (const output of [child.stdout, child.stderr]) output.destroy();
    };
    child.once('exit', () => setTimeout(letGo, 1_000));
  }, MOST_MINUTES * 60_000);
  child.once('exit', () => clearTimeout(time));
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
