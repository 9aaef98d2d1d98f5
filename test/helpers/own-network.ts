/**
 * A network for one test file: no way out, every port free, names as the file wants them, and 192.0.2.1 as an address that is not loopback.
 * What runs in it ends with it. It needs root, and a machine that lets root make namespaces.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** The address of the machine in the network: one that is kept for documents, so nobody has it. */
export const ADDRESS = '192.0.2.1';

const INSIDE = 'RAINMAIL_TEST_OWN_NETWORK';
/** `--kill-child`: whatever kills the outer process ends all that was started in there. */
const UNSHARE = [
  'setpriv',
  '--pdeathsig',
  'KILL',
  'unshare',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
];
/** Name servers and hosts of the machine are out of sight: the one name server is at {@link ADDRESS}, if the test runs one. */
const PREPARE = `
  ip link set lo up
  ip address add ${ADDRESS}/32 dev lo
  files=$(mktemp -d)
  echo 'nameserver ${ADDRESS}' > $files/resolv.conf
  echo '127.0.0.1 localhost' > $files/hosts
  echo 'hosts: files dns' > $files/nsswitch.conf
  for file in resolv.conf hosts nsswitch.conf; do mount --bind $files/$file /etc/$file; done
  rm -r $files
  exec "$@"`;

/**
 * Runs the test file that calls this in a network of its own: this process only waits for one in there, whose tests are its tests.
 * Call it before the first test.
 *
 * @returns in the network: undefined; where there can't be one: why its tests must be skipped
 */
export async function ownNetwork(): Promise<string | undefined> {
  if (process.env[INSIDE] !== undefined) return undefined;
  if (process.getuid?.() !== 0) return 'only root may make a network';
  const [command, ...args] = UNSHARE;
  const probe = spawnSync(command!, [...args, 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (probe.status !== 0) return `no network of its own can be made here: ${probe.stderr ?? probe.error}`;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(command!, [...args, 'sh', '-euc', PREPARE, 'sh', ...again], {
    stdio: 'inherit', // what the test runner reads from this process
    env: { ...process.env, [INSIDE]: 'yes' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exit(code ?? 1);
}
