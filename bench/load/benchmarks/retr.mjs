/** POP3: every message of a maildrop, one RETR after the other or --pipeline of them in flight. Only the RETRs are measured. */
import { check } from '../faults.mjs';
import { corpus, unstuffed } from '../messages.mjs';
import { Meter } from '../meter.mjs';
import { options } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';
import { forEachInParallel } from '../workers.mjs';

export async function retr() {
  const wanted = options.count || corpus().length;
  const meter = new Meter();
  const times = { signIn: [], uidl: [], list: [] };
  let messages = 0;
  let bytes = 0;
  do {
    const client = await Pop3.open();
    const count = await timed(times.signIn, async () => {
      await client.login(options.user);
      return (await client.stat()).count;
    });
    if (count !== wanted) throw new Error(`retr: ${count} messages, not ${wanted}`);
    await timed(times.uidl, () => client.multiline('UIDL', (body) => checkUidl(body, count)));
    let sizes = [];
    await timed(times.list, () => client.multiline('LIST', (body) => (sizes = lines(body).map(secondNumber))));
    meter.start();
    await forEachInParallel(count, options.pipeline, (i) =>
      client.multiline(`RETR ${i + 1}`, (body) => {
        bytes += body.length;
        checkBody(unstuffed(body), i, sizes[i]);
      }),
    );
    meter.stop();
    messages += count;
    await client.quit();
  } while (meter.seconds < options.secs);
  const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];
  return {
    ...meter.result(messages),
    mbPerSec: bytes / 1e6 / meter.seconds,
    signInStatMs: median(times.signIn),
    uidlMs: median(times.uidl),
    listMs: median(times.list),
  };
}

function checkUidl(body, count) {
  const ids = new Set(lines(body).map((line) => line.split(' ')[1]));
  check(ids.size === count, `retr: UIDL gave ${ids.size} different ids for ${count} messages`);
}

/** The server may have added lines on top. */
function checkBody(body, i, size) {
  const wanted = corpus().message(i);
  const added = body.length - wanted.length;
  const right = added >= 0 && body.length === size && body.compare(wanted, 0, wanted.length, added) === 0;
  check(right, `retr: message ${i + 1} differs`);
}

function lines(body) {
  return body
    .latin1Slice()
    .split('\r\n')
    .filter((line) => line !== '');
}

function secondNumber(line) {
  return Number(line.split(' ')[1]);
}

async function timed(times, work) {
  const begin = performance.now();
  const result = await work();
  times.push(performance.now() - begin);
  return result;
}
