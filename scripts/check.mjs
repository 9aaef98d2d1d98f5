// npm run check: types, format and lint, and the direction of imports. Runs all of them, fails when one does.
import { spawnSync } from 'node:child_process';

const checks = [
  ['types', 'tsc'],
  ['format and lint', 'biome', 'check', '--error-on-warnings'],
  ['direction of imports', process.execPath, 'scripts/imports.mjs'],
  ['sample configuration', process.execPath, 'scripts/sample.mjs', '--check'],
];

let failed = false;
for (const [name, command, ...args] of checks) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', cwd: new URL('../', import.meta.url) });
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'}  ${name}`);
  if (status !== 0) failed = true;
}
process.exit(failed ? 1 : 0);
