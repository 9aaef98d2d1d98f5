/** A name server for a network of a test's own: NSD, with the zones the test writes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ADDRESS } from './own-network.ts';
import { ServerProcess } from './server-process.ts';

/**
 * Answers for these zones at {@link ADDRESS}, and for no others, until the test ends.
 * @param zones by their names, in the format of RFC 1035 5; names are relative to the zone, SOA and NS are added
 */
export async function serveNames(
  t: TestContext,
  folder: string,
  zones: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(folder);
  const head = '$TTL 60\n@ IN SOA ns.invalid. root.invalid. 1 3600 600 86400 60\n@ IN NS ns.invalid.\n';
  const parts = Object.entries(zones).map(async ([name, records]) => {
    await writeFile(join(folder, name), `$ORIGIN ${name}.\n${head}${records}\n`);
    return `zone:\n name: "${name}"\n zonefile: "${name}"\n`;
  });
  const config = `server:
  ip-address: ${ADDRESS}
  username: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "${join(folder, '.zones')}"
  server-count: 1
remote-control:
  control-enable: no
${(await Promise.all(parts)).join('')}`;
  const file = join(folder, '.nsd.conf');
  await writeFile(file, config);
  const server = new ServerProcess('/usr/sbin/nsd', ['-d', '-c', file]);
  t.after(async () => {
    server.signal('SIGTERM');
    await server.end();
  });
  await server.until(() => server.log.includes('nsd started'));
}
