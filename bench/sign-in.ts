/**
 * What a sign-in costs, without the network: by password and by app password, where an account has none, one or ten of them; when it is right, and
 * when it is wrong, which must take as long for everybody.
 *
 *   node bench/sign-in.ts [rounds, 200 by default]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PasswordAuthenticator } from '../src/auth/authenticator.ts';
import { Throttle } from '../src/auth/throttle.ts';
import type { Peer } from '../src/auth/types.ts';
import { VerifiedPasswords } from '../src/auth/verified.ts';
import { Directory } from '../src/directory/directory.ts';
import { MailStore } from '../src/store/store.ts';

const ROUNDS = Number(process.argv[2] ?? 200);
const PASSWORD = 'green apples in autumn';
const PEER: Peer = { protocol: 'imap', address: '192.0.2.1', mayUsePassword: true, tls: undefined };

interface Case {
  readonly what: string;
  /** Attempts a round. */
  readonly times: number;
  readonly attempt: (number: number) => Promise<unknown>;
}

const folder = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-sign-in-'));
const store = await MailStore.open({ directory: folder, command: 'bench', diskWatermarkBytes: 0 });
const directory = await Directory.open(store.engine);
const cases: Case[] = [];
try {
  const changes = directory.by('the benchmark');
  await changes.domains.add('office.test');
  const known = authenticator();
  const wrong = (name: string) => (attempt: number) =>
    refusal(authenticator().password(name, `guess ${attempt}`, PEER));
  for (const devices of [0, 1, 10]) {
    const name = `has${devices}@office.test`;
    await changes.accounts.add({ address: name, password: PASSWORD });
    let app = '';
    for (let device = 1; device <= devices; device++) {
      app = (await changes.appPasswords.add(name, { label: `Device ${device}`, protocols: null })).password;
    }
    const who = `with ${devices} app passwords`;
    cases.push(
      {
        what: `${who}: the password, checked lately`,
        times: 1_000,
        attempt: () => known.password(name, PASSWORD, PEER),
      },
      {
        what: `${who}: the password, by Argon2id`,
        times: 1,
        attempt: () => authenticator().password(name, PASSWORD, PEER),
      },
      { what: `${who}: a wrong password`, times: 1, attempt: wrong(name) },
    );
    if (app === '') continue;
    cases.push({ what: `${who}: the newest of them`, times: 1_000, attempt: () => known.password(name, app, PEER) });
  }
  cases.push({ what: 'a name nobody has: a wrong password', times: 1, attempt: wrong('nobody@office.test') });
  await measure();
} finally {
  await directory.close();
  await store.close();
  await rm(folder, { recursive: true });
}

/** Without memory of what was checked before, and never slowed down. */
function authenticator(): PasswordAuthenticator {
  return new PasswordAuthenticator({ directory, throttle: new Throttle(), verified: new VerifiedPasswords() });
}

async function refusal(attempt: Promise<unknown>): Promise<void> {
  const [{ status }] = await Promise.allSettled([attempt]);
  if (status === 'fulfilled') throw new Error('a wrong password was right');
}

/** All cases in turn, so that whatever else the machine does slows all of them alike. */
async function measure(): Promise<void> {
  const taken = cases.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [index, { times, attempt }] of cases.entries()) {
      const before = performance.now();
      for (let time = 0; time < times; time++) await attempt(round * times + time);
      if (round >= 0) taken[index]!.push((performance.now() - before) / times);
    }
  }
  for (const [index, { what }] of cases.entries()) {
    const sorted = taken[index]!.sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!.toFixed(4).padStart(9);
    console.log(`${what.padEnd(50)} median ${at(0.5)} ms, quarters ${at(0.25)} to ${at(0.75)} ms`);
  }
}
