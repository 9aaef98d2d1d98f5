/**
 * A load generator for mail servers that checks every answer: tagged OK, counts, sizes, the bytes of each message.
 *
 * It speaks the protocols themselves, needs no library (Node 22 or newer), and runs unchanged against any server. One
 * run prints one JSON object: rates, latencies, the CPU of this client, and with --server-pid CPU and memory of the
 * server's processes. What was wrong is counted in "errors", the first few quoted in "errorSamples"; then it exits with 1.
 *
 *   node bench/load/main.mjs BENCHMARK [--option value ...]
 *
 * BENCHMARK
 *   deliver      LMTP or SMTP: one message to one recipient at a time on each connection   --proto lmtp|smtp --conns
 *                --size --secs or --count; --verify compares what arrived with what was acknowledged, and tells how
 *                long it took; --from-corpus sends its messages instead of made-up ones, each from the
 *                sender its facts name; --submit-as USER signs in before
 *   append       IMAP APPEND, one user a connection, compared likewise                     --conns --size --secs
 *   imap-login   connect, LOGIN, LOGOUT                                                    --conns --secs
 *   pop3-login   connect, USER, PASS, STAT, QUIT                                           --conns --secs
 *                each user signs in once before the time begins; with --cold each signs in once, and that is measured
 *   fill         APPEND the first --count messages of the corpus, in order, to --mailbox of --user
 *   fetch        FETCH of all messages of such a mailbox, again and again                  --what flags|meta|bodies
 *   retr         RETR of all messages of such a maildrop, again and again                  --pipeline (in flight)
 *   listing      UIDL and LIST of a maildrop of --count messages, session after session
 *   search       SEARCH, SORT and THREAD over such a mailbox                               --queries BODY,FROM,...
 *   idle         memory of --conns sessions that wait                                      --proto imap|pop3 --settle
 *   large        what a message of --size does to the server's peak memory                 --what smtp|lmtp|append|fetch|retr
 *   disk         fdatasync of 4 KB appends a second, without a server                      --dir --secs
 *
 * See options.mjs for the other options and the defaults.
 */
import os from 'node:os';
import { append } from './benchmarks/append.mjs';
import { deliver } from './benchmarks/deliver.mjs';
import { disk } from './benchmarks/disk.mjs';
import { fetchMailbox } from './benchmarks/fetch.mjs';
import { fill } from './benchmarks/fill.mjs';
import { idle } from './benchmarks/idle.mjs';
import { large } from './benchmarks/large.mjs';
import { listing } from './benchmarks/listing.mjs';
import { retr } from './benchmarks/retr.mjs';
import { search } from './benchmarks/search.mjs';
import { imapLogin, pop3Login } from './benchmarks/sign-in.mjs';
import { fault, faults } from './faults.mjs';
import { benchmark, options, usageError } from './options.mjs';

const benchmarks = {
  append,
  deliver,
  disk,
  fetch: fetchMailbox,
  fill,
  idle,
  'imap-login': imapLogin,
  large,
  listing,
  'pop3-login': pop3Login,
  retr,
  search,
};

if (!Object.hasOwn(benchmarks, benchmark ?? '')) {
  usageError(`which benchmark? one of: ${Object.keys(benchmarks).join(', ')}`);
}
// Nothing here may run for ever.
setTimeout(() => usageError('over its time limit'), (options.secs + 900) * 1000).unref();

const loadBefore = os.loadavg()[0];
let result = {};
try {
  result = await benchmarks[benchmark]();
} catch (error) {
  fault(error.stack);
}
console.log(
  JSON.stringify(
    {
      benchmark,
      when: new Date().toISOString(),
      loadBefore,
      errors: faults.count,
      errorSamples: faults.samples,
      ...result,
    },
    (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value),
  ),
);
process.exit(faults.count > 0 ? 1 : 0);
