// npm run build: compiles src to dist, with the files that pages load, which is what the published package runs (it has no sources).
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
rmSync(new URL('dist', root), { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', cwd: root });
for (const file of globSync('src/**/assets/*', { cwd: root })) {
  const copy = new URL(file.replace(/^src/, 'dist'), root);
  mkdirSync(dirname(fileURLToPath(copy)), { recursive: true });
  copyFileSync(new URL(file, root), copy);
}
process.exit(status ?? 1);
