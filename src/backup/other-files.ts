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

/** Names in the snapshot of certificates that lie elsewhere, the main one first. */
export function tlsFiles(
  certificates: readonly { readonly certificate: string; readonly key: string }[],
): Record<string, string> {
  const named = certificates.flatMap(({ certificate, key }, index) => {
    const folder = index === 0 ? 'tls' : `tls/more-${index}`;
    return [[`${folder}/certificate.pem`, certificate] as const, [`${folder}/key.pem`, key] as const];
  });
  return Object.fromEntries(named);
}

/** @param elsewhere  files that lie elsewhere, by their names in the snapshot; null: there is none */
export async function otherFiles(
  data: string,
  elsewhere: Readonly<Record<string, string | null>>,
): Promise<OtherFile[]> {
  const entries = await readdir(data, { withFileTypes: true });
  const inside = entries.filter((entry) => entry.isFile() && !NOT_KEPT.test(entry.name));
  const outside = Object.entries(elsewhere).flatMap(([name, path]) => (path === null ? [] : [{ name, path }]));
  return [...outside, ...inside.map(({ name }) => ({ name, path: join(data, name) }))];
}
