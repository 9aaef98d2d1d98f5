/**
 * What the access policy costs: two offices of 10,000 people in 200 groups, one without a rule, one with rules for everyone, the domain, every
 * group and every person. Sign-ins to both, in turns, so that whatever else the machine does slows both alike.
 *
 *   npm run bench:policy -- [rounds, 30 by default] [people, 10000 by default]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { TestContext } from 'node:test';
import { PasswordAuthenticator } from '../src/auth/authenticator.ts';
import { hashPassword } from '../src/auth/password.ts';
import { scramParametersFor } from '../src/auth/scram-keys.ts';
import type { Peer } from '../src/auth/types.ts';
import { Directory } from '../src/directory/directory.ts';
import { addAccount } from '../src/directory/new-account.ts';
import type { AccountId } from '../src/store/ids.ts';
import { MailStore } from '../src/store/store.ts';
import { Pop3Device } from '../test/helpers/line-client.ts';
import { officeOn } from '../test/helpers/office.ts';

const ROUNDS = Number(process.argv[2] ?? 30);
const PEOPLE = Number(process.argv[3] ?? 10_000);
const GROUPS = 200;
const DOMAIN = 'office.test';
const PASSWORD = 'the same for all';
const PEER: Peer = { protocol: 'pop3', address: '127.0.0.1', mayUsePassword: true, tls: undefined };
/** Whose password was checked lately: the rest is what a sign-in costs beside Argon2. */
const KNOWN = 64;
const IN_FLIGHT = 16;

const person = (i: number) => `person${i}@${DOMAIN}`;
const group = (i: number) => `group${i}`;

/** One or several rules at each level, most of them different; all of them let the benchmark in. */
function* rules(): Generator<string> {
  yield 'everyone imap.tls=required web.networks=192.0.2.0/24,127.0.0.0/8';
  yield `domain ${DOMAIN} prefer=pop3 pop3.networks=10.0.0.0/8,127.0.0.0/8,::1 settings.credentials=password`;
  for (let i = 0; i < GROUPS; i++) yield `group ${group(i)} imap=off pop3.networks=10.${i}.0.0/16,127.0.0.0/8`;
  for (let i = 0; i < PEOPLE; i++) yield `account ${person(i)} submission.networks=10.9.${i % 250}.0/24,127.0.0.0/8`;
}

interface Made {
  readonly data: string;
  readonly store: MailStore;
  readonly directory: Directory;
  readonly ids: readonly AccountId[];
}

async function make(data: string): Promise<Made> {
  const store = await MailStore.open({ directory: data, command: 'bench', diskWatermarkBytes: 0 });
  const directory = await Directory.open(store.engine);
  const changes = directory.by('the benchmark');
  await changes.domains.add(DOMAIN);
  for (let i = 0; i < GROUPS; i++) await changes.groups.add(group(i));
  const parameters = scramParametersFor(directory.secret, 'everybody');
  const password = { verifiers: await hashPassword(PASSWORD, parameters), parameters };
  const ids: AccountId[] = [];
  const settings = { domain: DOMAIN, makeDomain: false, displayName: '', quotaBytes: null, password };
  for (let start = 0; start < PEOPLE; start += 200) {
    await store.engine.write(async (tx) => {
      for (let i = start; i < Math.min(start + 200, PEOPLE); i++) {
        const account = await addAccount(tx, { ...settings, name: person(i), groups: [group(i % GROUPS)] }, 0);
        ids[i] = account.id;
      }
    });
  }
  return { data, store, directory, ids };
}

const ends: (() => Promise<void>)[] = [];
const context = { after: (end: () => Promise<void>) => ends.push(end) } as unknown as TestContext;
const folder = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-policy-'));
try {
  const offices = [await make(join(folder, 'without')), await make(join(folder, 'with'))] as const;
  await load(offices[1]);
  await inside(offices);
  await memory(offices[1]);
  for (const { directory, store } of offices) {
    await directory.close();
    await store.close();
  }
  await overPop3(offices);
} finally {
  for (const end of ends.reverse()) await end();
  await rm(folder, { recursive: true, force: true });
}

/** Making a file the policy: one transaction, in the database's worker. */
async function load({ directory }: Made): Promise<void> {
  const text = [...rules()].join('\n');
  for (const what of ['a policy for all of them is loaded', 'it is loaded again, unchanged']) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, 5)); // it measures from its first tick on
    const start = performance.now();
    const before = process.threadCpuUsage();
    await directory.by('the benchmark').policy.load(text);
    const { user, system } = process.threadCpuUsage(before);
    const took = performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 5));
    delay.disable();
    const own = ((user + system) / 1_000).toFixed(0);
    console.log(
      `${what.padEnd(50)} ${took.toFixed(0)} ms, ${own} ms of it on the event loop, longest pause ${(delay.max / 1e6).toFixed(0)} ms`,
    );
  }
}

/** The authenticator by itself, and what it reads when a change of the directory has emptied the caches. */
async function inside(offices: readonly [Made, Made]): Promise<void> {
  const authenticators = offices.map(({ directory }) => new PasswordAuthenticator({ directory }));
  await compare('sign-ins by themselves, by CPU time', ownTime, 2_000, async (office, count) => {
    const authenticator = authenticators[office]!;
    for (let i = 0; i < count; i++) await authenticator.password(person(i % KNOWN), PASSWORD, PEER);
  });
  await compare('records read anew after a change, by CPU time', ownTime, 1_000, async (office, count) => {
    const { directory } = offices[office]!;
    await directory.by('the benchmark').accounts.setDisplayName(person(0), 'Somebody');
    for (let i = 0; i < count; i++) await directory.signInRecord(person((i * 7) % PEOPLE));
  });
}

/** What everybody's access takes together, each with a rule of their own. */
async function memory({ directory, ids }: Made): Promise<void> {
  await directory.by('the benchmark').accounts.setDisplayName(person(0), 'Somebody else'); // empties the caches
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (const id of ids) await directory.access(id);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / ids.length;
  console.log(`${"everybody's access in memory".padEnd(50)} ${bytes.toFixed(0)} bytes each`);
}

/** Whole sessions with a server: connecting, USER, PASS, QUIT. */
async function overPop3(offices: readonly [Made, Made]): Promise<void> {
  const servers = [await officeOn(context, offices[0].data), await officeOn(context, offices[1].data)];
  await compare(
    'POP3 sessions, 16 at a time',
    () => performance.now(),
    400,
    async (office, count) => {
      const port = servers[office]!.port('pop3');
      let next = 0;
      const one = async () => {
        while (next < count) {
          const session = await Pop3Device.signIn(port, person(next++ % KNOWN), PASSWORD);
          await session.quit();
          session.close();
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, one));
    },
  );
}

/** What this process has used of the processor, in milliseconds: other work of the machine does not count. */
function ownTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Runs both in turns, the first of each turn drawn by lot. Prints the rates, and by how much the medians differ. */
async function compare(
  what: string,
  clock: () => number,
  count: number,
  run: (office: 0 | 1, count: number) => Promise<void>,
): Promise<void> {
  const rates: readonly [number[], number[]] = [[], []];
  for (let round = -2; round < ROUNDS; round++) {
    const order = Math.random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const);
    for (const office of order) {
      const start = clock();
      await run(office, count);
      if (round >= 0) rates[office].push((count * 1_000) / (clock() - start));
    }
  }
  const shown = rates.map((some) => {
    const sorted = some.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!;
    return { median: at(0.5), text: `${at(0.5).toFixed(0)}/s (${at(0.25).toFixed(0)} to ${at(0.75).toFixed(0)})` };
  });
  const change = (shown[1]!.median / shown[0]!.median - 1) * 100;
  const both = `without ${shown[0]!.text}, with ${shown[1]!.text}`;
  console.log(`${what.padEnd(50)} ${both}: ${change >= 0 ? '+' : ''}${change.toFixed(1)}%`);
}
