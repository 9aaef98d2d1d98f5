/** What a queue of a hundred thousand messages costs: memory of a server that can't send them, and the time of listing them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Directory } from '../../src/directory/directory.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { MailStore } from '../../src/store/store.ts';
import { rainmail } from '../../test/helpers/command-line.ts';
import { freePort } from '../../test/helpers/ports.ts';
import { accountAddress } from '../side-by-side/accounts.ts';
import { makeRainmail } from '../side-by-side/rainmail.ts';
import { DESTINATIONS, destinationAddress, destinationDomain } from './destinations.ts';
import type { Bench, Contestant, Figures, Measure } from './measure.ts';
import { published } from './published.ts';

const MANY = 100_000;
const FEW = 100;
const IN_FLIGHT = 64;
/** Until every destination has been tried, in vain. */
const SETTLE_MS = 10_000;
const DAY = 86_400;

const MEMORY = (count: number) => `memory with ${count.toLocaleString('en')} messages queued, MB`;
/** It turns TypeScript into JavaScript, and keeps both. */
const OF_SOURCES = `${MEMORY(FEW)}, run from its sources`;
/** The most that the command lists. */
const MOST = 10_000;
const LIST = 'a list of 10,000 of them, ms';
const FIRST = 'their list as it is asked for, ms';

export const queued: Measure = {
  name: 'queued',
  figures: [
    { title: MEMORY(FEW) },
    { title: OF_SOURCES },
    { title: MEMORY(MANY), wanted: { atMost: 150 } },
    { title: LIST },
    { title: FIRST, wanted: { atMost: 200 } },
  ],
  async prepare(bench) {
    const command = await published(bench.scratch);
    const contestants: Contestant[] = [{ name: 'Rainmail', run: () => measure(bench, command) }];
    return contestants;
  },
};

/** @param command  of the published package: what an office runs */
async function measure({ scratch, say, quick, stack }: Bench, command: string): Promise<Figures> {
  const many = quick ? MANY / 100 : MANY;
  const nobody = await freePort();
  const figures: Record<string, number> = {};
  const config = routes(nobody);
  for (const { count, title, ...installation } of [
    { count: FEW, title: OF_SOURCES },
    { count: FEW, title: MEMORY(FEW), command },
    { count: many, title: MEMORY(MANY), command },
  ]) {
    const server = await makeRainmail(scratch, { folder: `queued-${count}`, config, ...installation });
    const data = join(scratch, `queued-${count}`, 'data');
    say(`         queueing ${count} messages`);
    await fill(data, nobody, count);
    stack.defer(() => server.stop());
    await server.start();
    await sleep(SETTLE_MS);
    figures[title] = await memory(server.pid);
    if (count === many) {
      figures[LIST] = await timed(['queue', 'list', '--most', String(MOST), '--json', '--data', data]);
      figures[FIRST] = await timed(['queue', 'list', '--json', '--data', data]);
    }
    await server.stop();
  }
  return figures;
}

/** To fifty routes at which nobody listens. */
function routes(port: number): string {
  const all = Array.from({ length: DESTINATIONS }, (_, number) => {
    return `[[routes]]\ndomains = ["${destinationDomain(number)}"]\nhost = "${destinationAddress(number)}"\nport = ${port}\ntls = "opportunistic"\n`;
  });
  return all.join('');
}

/** Puts messages of 2 KB into the queue of a data directory that no server has open. */
async function fill(data: string, port: number, count: number): Promise<void> {
  const store = await MailStore.open({ directory: data, command: 'bench' });
  try {
    const directory = await Directory.open(store.engine);
    const { id: account } = await directory.account(accountAddress(1));
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const number = next++;
        const staging = store.stage(1 << 20);
        await staging.write(message(number));
        const destination = `route:${destinationAddress(number % DESTINATIONS)}:${port}`;
        const address = `person${number}@${destinationDomain(number % DESTINATIONS)}`;
        const recipients = [{ address, destination }];
        const outbound = { account, sender: accountAddress(1), recipients, expires: nowSeconds() + 5 * DAY };
        await store.deliver(await staging.finish(), [], { outbound: [outbound] });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    await directory.close();
  } finally {
    await store.close();
  }
}

function message(number: number): Buffer {
  const head = `From: <${accountAddress(1)}>\r\nSubject: letter ${number}\r\nMessage-ID: <${number}@example.org>\r\n\r\n`;
  return Buffer.from(head + 'a line of the letter, which says little\r\n'.repeat(50));
}

/** Resident, of the whole process. */
async function memory(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
}

/** The whole command but for the start of its process, which lists nothing. */
async function timed(command: readonly string[]): Promise<number> {
  const begin = performance.now();
  const { code, stderr } = await rainmail(command);
  if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return performance.now() - begin;
}
