/**
 * What the access policy costs at a sign-in, without the network: two offices alike but for their rules, of which one has none and the other some
 * for every account, every group, the domain and everyone. For passwords that were checked lately, where an account is known, and where it is
 * read anew because the directory has changed. The offices are measured in turns. And how long a policy of so many rules takes to load.
 *
 *   node bench/policy.ts [accounts, 10000 by default; in groups of 50] [rounds, 30 by default]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PasswordAuthenticator } from '../src/auth/authenticator.ts';
import { hashPassword } from '../src/auth/password.ts';
import { scramParametersFor } from '../src/auth/scram-keys.ts';
import { Throttle } from '../src/auth/throttle.ts';
import type { Peer } from '../src/auth/types.ts';
import { VerifiedPasswords } from '../src/auth/verified.ts';
import { Directory } from '../src/directory/directory.ts';
import { addAccount } from '../src/directory/new-account.ts';
import { MailStore } from '../src/store/store.ts';

const ACCOUNTS = Number(process.argv[2] ?? 10_000);
const ROUNDS = Number(process.argv[3] ?? 30);
const GROUP = 50;
const GROUPS = Math.ceil(ACCOUNTS / GROUP);
const DOMAIN = 'office.test';
const PASSWORD = 'green apples in autumn';
const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };

interface Office {
  readonly store: MailStore;
  readonly directory: Directory;
  readonly authenticator: PasswordAuthenticator;
}

const folder = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-policy-'));
const offices: Office[] = [];
try {
  const without = await openOffice('without');
  const ruled = await openOffice('ruled');
  const text = policy();
  const before = performance.now();
  const { settings } = await ruled.directory.by('the benchmark').policy.load(text);
  const took = performance.now() - before;
  console.log(`${ACCOUNTS} accounts in ${GROUPS} groups; ${settings} settings loaded in ${took.toFixed(0)} ms`);
  await measured('known accounts', without, ruled, async () => {});
  // Every change empties the directory's caches: a change of no other consequence.
  await measured('accounts read anew', without, ruled, ({ directory }) =>
    directory.by('the benchmark').setDisplayName(person(0), 'Anna'),
  );
} finally {
  for (const { directory, store } of offices) {
    await directory.close();
    await store.close();
  }
  await rm(folder, { recursive: true });
}

/** One where everybody has the same password, which was checked lately: one Argon2 for all. */
async function openOffice(name: string): Promise<Office> {
  const store = await MailStore.open({ directory: join(folder, name), command: 'bench', diskWatermarkBytes: 0 });
  const directory = await Directory.open(store.engine);
  const verified = new VerifiedPasswords();
  const authenticator = new PasswordAuthenticator({ directory, throttle: new Throttle(), verified });
  const office = { store, directory, authenticator };
  offices.push(office);
  const changes = directory.by('the benchmark');
  await changes.addDomain(DOMAIN);
  for (let i = 0; i < GROUPS; i++) await changes.addGroup(group(i));
  const parameters = scramParametersFor(directory.secret, 'everybody');
  const password = { verifiers: await hashPassword(PASSWORD, parameters), parameters };
  for (let start = 0; start < ACCOUNTS; start += 200) {
    await store.engine.write(async (tx) => {
      for (let i = start; i < Math.min(start + 200, ACCOUNTS); i++) {
        const where = { domain: DOMAIN, makeDomain: false, groups: [group(Math.floor(i / GROUP))] };
        await addAccount(tx, { name: person(i), displayName: '', quotaBytes: null, ...where, password }, 0);
      }
    });
  }
  for (let i = 0; i < ACCOUNTS; i++) {
    verified.rememberRight(verified.fingerprint(person(i), PASSWORD), password.verifiers.hash);
  }
  return office;
}

/** Rules that overrule one another, and let everybody in. Every group may do something else, and many of its people, too. */
function policy(): string {
  const lines = [
    'everyone imap=off pop3=off web.tls=required settings.networks=192.0.2.0/24 prefer=imap pop3.letGo=30d',
    `domain ${DOMAIN} imap=on submission.credentials=password,app pop3.letGo=60d imap.networks=10.0.0.0/8`,
  ];
  for (let i = 0; i < GROUPS; i++) {
    lines.push(
      `group "${group(i)}" pop3=on imap.credentials=password,app pop3.letGo=${i + 1}d web.networks=10.0.${i % 256}.0/24`,
    );
  }
  for (let i = 0; i < ACCOUNTS; i++) {
    lines.push(`account ${person(i)} imap.networks=192.0.2.0/24,10.1.${i % 256}.0/24 submission.fileSent=off`);
  }
  return lines.join('\n');
}

/** Everybody signs in, in both offices in turns, so that whatever else the machine does slows both alike. */
async function measured(
  what: string,
  without: Office,
  ruled: Office,
  first: (office: Office) => Promise<void>,
): Promise<void> {
  const taken = new Map<Office, number[]>([
    [without, []],
    [ruled, []],
  ]);
  for (let round = -2; round < ROUNDS; round++) {
    for (const office of round % 2 === 0 ? [without, ruled] : [ruled, without]) {
      await first(office);
      const before = performance.now();
      for (let i = 0; i < ACCOUNTS; i++) await office.authenticator.password(person(i), PASSWORD, PEER);
      const each = ((performance.now() - before) * 1_000) / ACCOUNTS;
      if (round >= 0) taken.get(office)!.push(each);
    }
  }
  const [none, some] = [taken.get(without)!, taken.get(ruled)!];
  console.log(what);
  console.log(`  without a policy  ${told(none)}`);
  console.log(`  rules everywhere  ${told(some)}`);
  const differences = some.map((each, round) => (each / none[round]! - 1) * 100);
  const at = (part: number) => signed(quantile(differences, part));
  console.log(
    `  difference        ${signed((quantile(some, 0.5) / quantile(none, 0.5) - 1) * 100)} of the medians; by rounds: median ${at(0.5)}, quarters ${at(0.25)} to ${at(0.75)}`,
  );
}

function told(microseconds: readonly number[]): string {
  const at = (part: number) => quantile(microseconds, part).toFixed(2);
  const rate = (1e6 / quantile(microseconds, 0.5)).toFixed(0);
  return `median ${at(0.5)} us (${rate} sign-ins a second), quarters ${at(0.25)} to ${at(0.75)}, all ${at(0)} to ${at(1)} us`;
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)]!;
}

function signed(percent: number): string {
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)}%`;
}

function person(i: number): string {
  return `person${i}@${DOMAIN}`;
}

function group(i: number): string {
  return `group ${i}`;
}
