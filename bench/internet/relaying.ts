/** Mail of people here for fifty destinations elsewhere: how many messages a second reach them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../test/helpers/ports.ts';
import { accountAddress } from '../side-by-side/accounts.ts';
import { CLIENT_CORE, pinned, runLoad } from '../side-by-side/load.ts';
import { makeRainmail } from '../side-by-side/rainmail.ts';
import type { Ports } from '../side-by-side/server.ts';
import { cpuSeconds } from './cpu.ts';
import { DESTINATIONS, destinationAddress, destinationDomain } from './destinations.ts';
import type { Bench, Contestant, Figures, Measure } from './measure.ts';
import { Postfix } from './postfix.ts';
import type { Taken } from './sink.ts';

const CONNECTIONS = 16;
const ACCEPTED = 'accepted/s';
const RELAYED = 'with their destinations/s';
const CPU = 'server CPU, ms a message';
const MESSAGES = 'messages a connection to them';
const LOOK_EVERY_MS = 100;
/** Nothing has come for so long: it won't. */
const PATIENCE_MS = 60_000;
const SENDER = accountAddress(1);

export const relaying: Measure = {
  name: 'relaying',
  figures: [{ title: ACCEPTED }, { title: RELAYED, wanted: { times: 2 } }, { title: CPU }, { title: MESSAGES }],
  async prepare(bench) {
    const { scratch, postfix, stack } = bench;
    const [sinkPort, submission] = (await freePorts(2)) as [number, number];
    const sink = await Sink.start(sinkPort);
    stack.defer(() => sink.end());
    const rainmail = await makeRainmail(scratch, { folder: 'relaying', submission, config: routes(sinkPort) });
    stack.defer(() => rainmail.stop());
    await rainmail.start();
    const ours = { pid: rainmail.pid, ports: { ...rainmail.ports, smtp: submission } };
    const contestants: Contestant[] = [
      { name: 'Rainmail', run: () => relay(bench, sink, ours, ['--submit-as', SENDER]) },
    ];
    if (postfix === null) return contestants;
    const other = await Postfix.make({ scratch, lmtp: 9, sink: sinkPort });
    stack.defer(() => other.stop());
    await other.start();
    const theirs = { pid: other.pid, ports: { imap: 9, pop3: 9, lmtp: 9, smtp: other.smtp } };
    return [...contestants, { name: 'Postfix', run: () => relay(bench, sink, theirs, []) }];
  },
};

/** What was sent is not filed in Sent: Postfix has no such folder. Nor is what one account may send in an hour what is measured. */
function routes(port: number): string {
  const all = Array.from({ length: DESTINATIONS }, (_, number) => {
    const domains = `domains = ["${destinationDomain(number)}"]`;
    return `[[routes]]\n${domains}\nhost = "${destinationAddress(number)}"\nport = ${port}\ntls = "opportunistic"\n`;
  });
  return `[submission]\nfileSent = false\n[outbound]\nenabled = true\n${all.join('')}`;
}

async function relay(
  { count, signal }: Bench,
  sink: Sink,
  server: { readonly pid: number; readonly ports: Ports },
  more: readonly (string | number)[],
): Promise<Figures> {
  const before = await sink.taken();
  const cpuBefore = await cpuSeconds(server.pid);
  const to = destinationDomain(0).replace('1', '%d');
  const { errors, errorSamples, perSec, began } = await runLoad({
    args: [
      ...['deliver', '--proto', 'smtp', '--conns', CONNECTIONS, '--secs', 600, '--count', count],
      ...['--from', SENDER, '--user-format', `somebody@${to}`, '--users', DESTINATIONS, ...more],
    ],
    server,
    corpus: '',
    signal,
  });
  if (errors > 0) throw new Error(`wrong answers: ${errorSamples.join(' / ')}`);
  const { messages, connections, last } = await sink.until(before.messages + count);
  if (messages !== before.messages + count) throw new Error(`${messages - before.messages} of ${count} were relayed`);
  return {
    [ACCEPTED]: perSec!,
    [RELAYED]: (1_000 * count) / (last - Date.parse(began!)),
    [CPU]: (1_000 * ((await cpuSeconds(server.pid)) - cpuBefore)) / count,
    [MESSAGES]: count / (connections - before.connections),
  };
}

/** The process of those who take it (sink.ts), beside the load generator. */
class Sink {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(port: number): Promise<Sink> {
    const program = [process.execPath, join(import.meta.dirname, 'sink.ts'), String(port)];
    const [command, ...args] = (pinned ? ['taskset', '-c', String(CLIENT_CORE), ...program] : program) as [string];
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    return new Sink(child);
  }

  async taken(): Promise<Taken> {
    const answer = once(this.#process, 'message');
    this.#process.send('taken?');
    return ((await answer) as [Taken])[0];
  }

  /** What it has when so many have come, or none came for long. */
  async until(messages: number): Promise<Taken> {
    const began = Date.now();
    for (;;) {
      const taken = await this.taken();
      if (taken.messages >= messages || Date.now() - Math.max(taken.last, began) > PATIENCE_MS) return taken;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async end(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}
