/**
 * What one large message does to the server's memory: the peak while it goes in or out, above what was held just before.
 * The server should be fresh, but for some ordinary messages that went the same way. Then the same again, some times: what
 * the first one left in the heap to be collected is there for the next.
 */
import { check } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { dotStuffed, syntheticMessage } from '../messages.mjs';
import { options, usageError } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';
import { peakKb, resetPeakKb } from '../server-process.mjs';
import { Smtp } from '../smtp.mjs';

const ORDINARY = { count: 50, size: 8192 };
/** The first finds a small heap, the last one that has seen such messages. */
const LARGE_COUNT = 4;

const WAYS = {
  smtp: () => deliver('smtp'),
  lmtp: () => deliver('lmtp'),
  append: async () => {
    const client = await imap();
    return withPeak(ORDINARY.size, options.size, message, (bytes) => client.append(options.mailbox, bytes));
  },
  fetch: async () => {
    const client = await imap();
    const count = await client.select(options.mailbox);
    // Only counted: the client, too, should do without 50 MB.
    let bytes = 0;
    client.onLiteral = () => (_, from, to) => {
      bytes += to - from;
    };
    const result = await withPeak(1, count, String, (number) => client.ok(`FETCH ${number} (BODY.PEEK[])`));
    check(bytes >= options.size, `large: ${bytes} bytes came`);
    return result;
  },
  retr: async () => {
    const client = await Pop3.open();
    await client.login(options.user);
    const { count } = await client.stat();
    let longest = 0;
    const result = await withPeak(1, count, String, (number) =>
      client.multiline(`RETR ${number}`, (body) => {
        longest = Math.max(longest, body.length);
      }),
    );
    check(longest >= options.size, `large: at most ${longest} bytes came`);
    return result;
  },
};

/** For fetch and retr the last message of the maildrop is the large one. */
export function large() {
  return (WAYS[options.what] ?? usageError(`--what ${options.what}?`))();
}

async function deliver(proto) {
  const client = await Smtp.open(proto);
  const data = (size) => dotStuffed(message(size));
  return withPeak(ORDINARY.size, options.size, data, (bytes) => client.send(options.from, options.user, bytes));
}

async function imap() {
  const client = await Imap.open();
  await client.login(options.user);
  return client;
}

function message(size) {
  return syntheticMessage(size, options.user);
}

/** Does the step with ordinary messages, then with large ones; measures these. What it is done with is made before. */
async function withPeak(ordinary, large, make, step) {
  for (let i = 0; i < ORDINARY.count; i++) await step(make(ordinary));
  const growth = [];
  let secs = 0;
  for (let i = 0; i < LARGE_COUNT; i++) {
    const made = make(large);
    const before = resetPeakKb();
    const begin = performance.now();
    await step(made);
    secs += (performance.now() - begin) / 1000;
    growth.push((peakKb() - before) / 1024);
  }
  const mbPerSec = (LARGE_COUNT * options.size) / 1e6 / secs;
  return { ops: LARGE_COUNT, secs, mbPerSec, growthMb: growth[0], growthAgainMb: growth.at(-1) };
}
