/** The version of this package, from its manifest. */
import { readFileSync } from 'node:fs';

/** Two folders up from src/server, and from dist/server in the published package. */
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const version = manifest.version;
