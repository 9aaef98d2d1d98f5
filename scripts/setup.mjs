// Installs what package-lock.json names, when it is not there yet, so that `npm start` and `npm test` work on a fresh
// clone. Runs on Node 20 and newer; everything after it runs on the Node 26 that it may just have installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

if (!installed()) {
  console.error('Installing the libraries (npm install) ...');
  // Not `npm ci`: it refuses a lock file that lacks the builds of a library for platforms which the registry did not offer when the
  // file was written. The versions of the lock file hold here too, and it is not written.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) {
    console.error('npm install failed (see above). Rainmail needs the npm registry once, to fetch its libraries.');
    process.exit(1);
  }
}

/** True when node_modules holds every package of the lock file, in the version it names. */
function installed() {
  const wanted = packagesOf('package-lock.json');
  const here = packagesOf('node_modules/.package-lock.json');
  if (wanted === undefined || here === undefined) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true; // the project itself
    const found = here[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(new URL(file, root), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
