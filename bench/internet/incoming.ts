/** Mail from the network into mailboxes: how many messages a second are accepted, and how many are where their people can read them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { defaults } from '../../src/config/schema.ts';
import { scriptedDns } from '../../test/helpers/dns-server.ts';
import { makeDovecots } from '../side-by-side/dovecot.ts';
import { runLoad } from '../side-by-side/load.ts';
import { makeRainmail } from '../side-by-side/rainmail.ts';
import type { Ports } from '../side-by-side/server.ts';
import type { Bench, Contestant, Figures, Measure } from './measure.ts';
import { Postfix } from './postfix.ts';
import { publish, senderKey, writeSignedCorpus } from './senders.ts';

const CONNECTIONS = 16;
const ACCEPTED = 'accepted/s';
const ARRIVED = 'in the mailbox/s';
const CPU = 'server CPU, ms a message';

/** Made-up mail of 8 KB to 50 people, nothing looked up; beside Postfix, which hands it to Dovecot. */
export const incoming: Measure = {
  name: 'incoming',
  figures: [{ title: ACCEPTED }, { title: ARRIVED, wanted: { times: 6 } }, { title: CPU }],
  async prepare(bench) {
    const { scratch, count, postfix, stack } = bench;
    const args = ['--count', count];
    const rainmail = await makeRainmail(scratch, { folder: 'incoming' });
    stack.defer(() => rainmail.stop());
    await rainmail.start();
    const contestants: Contestant[] = [{ name: 'Rainmail', run: () => deliver(bench, rainmail, args) }];
    if (postfix === null) return contestants;
    const sockets = await mkdtemp(join(tmpdir(), 'rainmail-bench-'));
    stack.defer(() => rm(sockets, { recursive: true }));
    const dovecots = await makeDovecots(scratch, sockets, postfix.dovecot);
    const dovecot = dovecots.find(({ name }) => name === 'Dovecot maildir')!; // over LMTP the faster of the two
    stack.defer(() => dovecot.stop());
    await dovecot.start();
    const front = await Postfix.make({ scratch, lmtp: dovecot.ports.lmtp, sink: 9 });
    stack.defer(() => front.stop());
    await front.start();
    const together = { pid: front.pid, ports: { ...dovecot.ports, smtp: front.smtp } };
    return [...contestants, { name: 'Postfix', run: () => deliver(bench, together, args) }];
  },
};

/** Mail signed by fifty domains that say by SPF and DMARC who may send it; every check on. */
export const checked: Measure = {
  name: 'checked',
  figures: [{ title: ACCEPTED, wanted: { atLeast: 1_000 } }, { title: ARRIVED }, { title: CPU }],
  async prepare(bench) {
    const { scratch, count, stack, say } = bench;
    const dns = await scriptedDns({ after: (end: () => void) => stack.defer(end) } as unknown as TestContext);
    const key = senderKey();
    publish(dns, key);
    say(`         signing ${count} messages`);
    const corpus = join(scratch, 'signed');
    await writeSignedCorpus(corpus, count, key);
    const { host, port } = dns.server;
    // Nobody is trusted, so that all is checked; and one client brings what else many would.
    const bounds = Object.keys(defaults().strangers).map((name) => `${name} = 100000000`);
    const checks = '[checks]\ntrusted = []\ngreetingDelay = "0s"\n';
    const config = `[dns]\nservers = ["${host}:${port}"]\n${checks}[strangers]\n${bounds.join('\n')}\n`;
    const rainmail = await makeRainmail(scratch, { folder: 'checked', config });
    stack.defer(() => rainmail.stop());
    await rainmail.start();
    const args = ['--count', count, '--from-corpus'];
    return [{ name: 'Rainmail', run: () => deliver(bench, rainmail, args, corpus) }];
  },
};

async function deliver(
  { signal }: Bench,
  server: { readonly pid: number; readonly ports: Ports },
  more: readonly (string | number)[],
  corpus = '',
): Promise<Figures> {
  const args = ['deliver', '--proto', 'smtp', '--conns', CONNECTIONS, '--secs', 600, '--verify', ...more];
  const { errors, errorSamples, perSec, arrivedPerSec, serverCpuMsPerOp } = await runLoad({
    args,
    server,
    corpus,
    signal,
  });
  if (errors > 0) throw new Error(`wrong answers: ${errorSamples.join(' / ')}`);
  return { [ACCEPTED]: perSec!, [ARRIVED]: arrivedPerSec!, [CPU]: serverCpuMsPerOp! };
}
