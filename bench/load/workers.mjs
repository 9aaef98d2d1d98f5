/** Parallel work for a benchmark. */
import { fault, faults } from './faults.mjs';
import { Imap } from './imap.mjs';
import { Meter, percentiles } from './meter.mjs';
import { options, userName } from './options.mjs';

const MOST_FAULTS = 1000;

/**
 * So many workers, each of which does `step(state, i)` again and again until --secs are over, or --count steps are done.
 * Only the steps are measured, not `open` and `close`.
 */
export async function repeatInParallel(count, { open = async () => null, step, close = async () => {} }) {
  const states = await Promise.all(Array.from({ length: count }, (_, i) => open(i)));
  const meter = new Meter();
  const times = [];
  let begun = 0;
  const work = async (state, i) => {
    while (performance.now() < until && (options.count === 0 || begun < options.count)) {
      begun++;
      const before = performance.now();
      try {
        await step(state, i);
        times.push(performance.now() - before);
      } catch (error) {
        fault(error.message);
        if (state?.waiters?.ended !== undefined || faults.count > MOST_FAULTS) return; // this connection is lost
      }
    }
  };
  const until = performance.now() + options.secs * 1000;
  meter.start();
  await Promise.all(states.map(work));
  meter.stop();
  await Promise.all(states.map((state, i) => close(state, i).catch((error) => fault(error.message))));
  return { ...meter.result(times.length), latencyMs: percentiles(times) };
}

/** `work(i)` for each i below count, so many at a time. */
export async function forEachInParallel(count, atATime, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, worker));
}

/** How many messages the users have in INBOX, all together. */
export async function messagesOfAll() {
  let total = 0;
  await forEachInParallel(options.users, 4, async (i) => {
    const client = await Imap.open();
    await client.login(userName(i));
    const messages = await client.messages('INBOX');
    total += messages;
    await client.logout();
  });
  return total;
}
