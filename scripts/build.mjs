// npm run build: compiles src to dist, which is what the published package runs (it has no sources).
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

const root = new URL('../', import.meta.url);
rmSync(new URL('dist', root), { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', cwd: root });
process.exit(status ?? 1);
