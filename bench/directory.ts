/**
 * The directory of a large office: looking addresses up, changes that concern everybody, mail to a whole group; and how long the event loop
 * stands still meanwhile.
 *
 *   node bench/directory.ts [accounts, 10000 by default; in groups of 50]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { hashPassword } from '../src/auth/password.ts';
import { scramParametersFor } from '../src/auth/scram-keys.ts';
import { DeliveryPipeline } from '../src/delivery/pipeline.ts';
import { Directory } from '../src/directory/directory.ts';
import { addAccount } from '../src/directory/new-account.ts';
import { MailStore } from '../src/store/store.ts';

const ACCOUNTS = Number(process.argv[2] ?? 10_000);
const GROUP = 50;
const GROUPS = Math.ceil(ACCOUNTS / GROUP);
const DOMAIN = 'office.test';
const MESSAGE = Buffer.from(`From: <a@elsewhere.test>\r\nSubject: To all of you\r\n\r\n${'x'.repeat(4_000)}\r\n`);

const folder = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-directory-'));
const store = await MailStore.open({ directory: folder, command: 'bench', diskWatermarkBytes: 0 });
try {
  const directory = await Directory.open(store.engine);
  const changes = directory.by('the benchmark');
  await makeOffice(directory);

  await measured(`resolve ${ACCOUNTS} accounts for the first time`, ACCOUNTS, async () => {
    for (let i = 0; i < ACCOUNTS; i++) await directory.resolve(person(i));
  });
  await measured('resolve 10000 known ones', 10_000, async () => {
    for (let i = 0; i < 10_000; i++) await directory.resolve(person(i % Math.min(ACCOUNTS, 10_000)));
  });
  await measured(`resolve ${GROUPS} groups of ${GROUP} for the first time`, GROUPS, async () => {
    for (let i = 0; i < GROUPS; i++) await directory.resolve(groupAddress(i));
  });
  await measured('resolve 10000 unknown addresses with three separators', 10_000, async () => {
    for (let i = 0; i < 10_000; i++) await directory.resolve(`nobody${i}+a+b+c@${DOMAIN}`);
  });
  await measured('a quota for one account', 1, () => changes.quotas.set({ scope: 'account', name: person(1) }, 2e9));
  await measured('a quota for a group', 1, () => changes.quotas.set({ scope: 'group', name: group(0) }, 3e9));
  for (let i = 0; i < GROUPS; i++) await changes.quotas.set({ scope: 'group', name: group(i) }, 3e9 + i);
  await measured(`a quota for everyone: ${ACCOUNTS} accounts`, 1, () =>
    changes.quotas.set({ scope: 'everyone', name: '' }, 5e9),
  );
  await measured('renaming the domain of all, its old name kept', 1, () =>
    changes.domains.rename(DOMAIN, 'company.test', { keepOld: true }),
  );
  await measured('a message to a group of 50', 1, () => deliver(directory, groupAddress(0)));
  for (const size of [500, 2_000]) {
    if (size > ACCOUNTS) continue;
    const name = `first ${size}`;
    await changes.groups.add(name, { address: `first${size}@company.test` });
    await measured(`${size} people join a group`, 1, () =>
      changes.groups.join(name, ...Array.from({ length: size }, (_, i) => `person${i}@company.test`)),
    );
    await measured(`a message to a group of ${size}`, 1, () => deliver(directory, `first${size}@company.test`));
  }
} finally {
  await store.close();
  await rm(folder, { recursive: true });
}

async function makeOffice(directory: Directory): Promise<void> {
  const changes = directory.by('the benchmark');
  await changes.domains.add(DOMAIN);
  for (let i = 0; i < GROUPS; i++) await changes.groups.add(group(i), { address: groupAddress(i) });
  const parameters = scramParametersFor(directory.secret, 'everybody');
  const password = { verifiers: await hashPassword('the same for all', parameters), parameters };
  for (let start = 0; start < ACCOUNTS; start += 200) {
    await store.engine.write(async (tx) => {
      for (let i = start; i < Math.min(start + 200, ACCOUNTS); i++) {
        const groups = [group(Math.floor(i / GROUP))];
        const account = {
          name: person(i),
          domain: DOMAIN,
          makeDomain: false,
          displayName: '',
          quotaBytes: null,
          groups,
        };
        await addAccount(tx, { ...account, password }, 0);
      }
    });
  }
}

async function deliver(directory: Directory, recipient: string): Promise<void> {
  const pipeline = new DeliveryPipeline(directory, store);
  const stage = store.stage(1e6);
  await stage.write(MESSAGE);
  const envelope = { protocol: 'lmtp', remoteAddress: '', helo: '', sender: 'a@elsewhere.test' } as const;
  await pipeline.accepts(recipient, { ...envelope, withRoom: new Set() });
  const outcomes = await pipeline.deliver({ ...envelope, recipients: [{ address: recipient }] }, await stage.finish());
  for (const outcome of outcomes) if (!outcome.ok) throw new Error(outcome.text);
}

/** Runs some work; prints its time, also for each of `count`, and the longest pause of the loop. */
async function measured(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 5)); // it measures from its first tick on
  const start = performance.now();
  await work();
  const took = performance.now() - start;
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  const each = count > 1 ? `, ${((took * 1_000) / count).toFixed(1)} us each` : '';
  const pause = took > 5 && count === 1 ? `, longest pause ${(delay.max / 1e6).toFixed(1)} ms` : '';
  console.log(`${what.padEnd(60)} ${took.toFixed(1)} ms${each}${pause}`);
}

function person(i: number): string {
  return `person${i}@${DOMAIN}`;
}

function group(i: number): string {
  return `group ${i}`;
}

function groupAddress(i: number): string {
  return `group${i}@${DOMAIN}`;
}
