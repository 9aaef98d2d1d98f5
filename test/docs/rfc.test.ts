import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** RFCs that the files name, with the first file of each. */
function named(pattern: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync(pattern, { cwd: root }).sort()) {
    for (const [, number] of readFileSync(root + file, 'utf8').matchAll(/\bRFC (\d+)/g)) {
      if (!found.has(number!)) found.set(number!, file);
    }
  }
  return found;
}

/** The rows of docs/rfc.md: number -> state. */
const rows = new Map(
  [...readFileSync(`${root}docs/rfc.md`, 'utf8').matchAll(/^\| \[(\d+)\]\(\S+\) \| [^|]+ \| (\w+) \| [^|]*\|$/gm)].map(
    ([, number, state]) => [number!, state!],
  ),
);

test('every RFC that the code or the tests name is in the table', () => {
  assert.ok(rows.size > 50, 'the table was not understood');
  const missing = [...named('{src,test}/**/*.ts')].filter(([number]) => !rows.has(number));
  assert.deepEqual(missing, []);
});

test('every RFC that the table says is there in whole or part is named in src', () => {
  const inSource = named('src/**/*.ts');
  const claimed = [...rows].filter(([, state]) => state !== 'later').map(([number]) => number);
  assert.deepEqual(
    claimed.filter((number) => !inSource.has(number)),
    [],
  );
});

test('every state is whole, part or later', () => {
  assert.deepEqual(
    [...rows].filter(([, state]) => !['whole', 'part', 'later'].includes(state)),
    [],
  );
});
