/** What a backup holds besides the store: the configuration, certificates and their keys, and whatever else lies in the data directory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BACKUP_SETTINGS } from './settings.ts';

export interface OtherFile {
  /** Name in the snapshot. */
  readonly name: string;
  readonly path: string;
}

/** Files of the data directory that are not kept: the store has its own way, the others are of this moment or of this machine. */
const NOT_KEPT = new RegExp(
  `^(mail\\.db|lock\\.db|search\\.db|reserve$|running$|${BACKUP_SETTINGS.replace('.', '\\.')}|.*\\.new$)`,
);

export const CONFIGURATION = 'configuration/rainmail.toml';
export const TLS_CERTIFICATE = 'tls/certificate.pem';
export const TLS_KEY = 'tls/key.pem';

/** @param elsewhere  files that lie elsewhere, by their names in the snapshot; null: there is none */
export async function otherFiles(
  data: string,
  elsewhere: Readonly<Record<typeof CONFIGURATION | typeof TLS_CERTIFICATE | typeof TLS_KEY, string | null>>,
): Promise<OtherFile[]> {
  const entries = await readdir(data, { withFileTypes: true });
  const inside = entries.filter((entry) => entry.isFile() && !NOT_KEPT.test(entry.name));
  const outside = Object.entries(elsewhere).flatMap(([name, path]) => (path === null ? [] : [{ name, path }]));
  return [...outside, ...inside.map(({ name }) => ({ name, path: join(data, name) }))];
}
