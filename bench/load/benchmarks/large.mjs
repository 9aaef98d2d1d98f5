/**
 * What one large message does to the server's memory: the peak while it goes in or out, above what was held just before.
 * The server should be fresh, but for some ordinary messages that went the same way.
 */
import { check } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { dotStuffed, syntheticMessage } from '../messages.mjs';
import { options, usageError } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';
import { peakKb, resetPeakKb } from '../server-process.mjs';
import { Smtp } from '../smtp.mjs';

const ORDINARY = { count: 50, size: 8192 };

const WAYS = {
  smtp: () => deliver('smtp'),
  lmtp: () => deliver('lmtp'),
  append: async () => {
    const client = await imap();
    const messages = syntheticMessages();
    return withPeak(messages, (message) => client.append(options.mailbox, message));
  },
  fetch: async () => {
    const client = await imap();
    const count = await client.select(options.mailbox);
    // Only counted: the client, too, should do without 50 MB.
    let bytes = 0;
    client.onLiteral = () => (_, from, to) => {
      bytes += to - from;
    };
    const result = await withPeak(rounds(1, count), (number) => client.ok(`FETCH ${number} (BODY.PEEK[])`));
    check(bytes >= options.size, `large: ${bytes} bytes came`);
    return result;
  },
  retr: async () => {
    const client = await Pop3.open();
    await client.login(options.user);
    const { count } = await client.stat();
    let longest = 0;
    const result = await withPeak(rounds(1, count), (number) =>
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
  const messages = syntheticMessages().map(dotStuffed);
  return withPeak(messages, (data) => client.send(options.from, options.user, data));
}

async function imap() {
  const client = await Imap.open();
  await client.login(options.user);
  return client;
}

function syntheticMessages() {
  return rounds(ORDINARY.size, options.size).map((size) => syntheticMessage(size, options.user));
}

function rounds(ordinary, last) {
  return [...Array(ORDINARY.count).fill(ordinary), last];
}

/** Does each step, measures the last. */
async function withPeak(steps, step) {
  for (const one of steps.slice(0, -1)) await step(one);
  const before = resetPeakKb();
  const begin = performance.now();
  await step(steps.at(-1));
  const secs = (performance.now() - begin) / 1000;
  return { ops: 1, secs, mbPerSec: options.size / 1e6 / secs, kbBefore: before, growthMb: (peakKb() - before) / 1024 };
}
