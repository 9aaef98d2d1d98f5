import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../faults.mjs';
import { corpus, dotStuffed, syntheticMessage } from '../messages.mjs';
import { options, userName } from '../options.mjs';
import { Smtp } from '../smtp.mjs';
import { messagesOfAll, repeatInParallel } from '../workers.mjs';

/** How long an SMTP server that has a queue may take to empty it. */
const DRAIN_MS = 120_000;
const LOOK_EVERY_MS = 250;

export async function deliver() {
  const before = options.verify ? await messagesOfAll() : 0;
  if (options.fromCorpus) corpus(); // it is read before the time begins
  let next = 0;
  const began = new Date();
  const result = await repeatInParallel(options.conns, {
    open: () => Smtp.open(options.proto),
    step(client) {
      const number = next++;
      const to = userName(number);
      const { from, data } = message(number, to);
      return client.send(from, to, data);
    },
    close: (client) => client.quit(),
  });
  if (!options.verify) return { ...result, began: began.toISOString() };
  let looked = Date.now();
  let arrived = (await messagesOfAll()) - before;
  while (options.proto === 'smtp' && arrived < result.ops && Date.now() - began.getTime() < DRAIN_MS) {
    await sleep(LOOK_EVERY_MS);
    looked = Date.now();
    arrived = (await messagesOfAll()) - before;
  }
  check(arrived === result.ops, `deliver: ${result.ops} were acknowledged, ${arrived} are there`);
  return {
    ...result,
    began: began.toISOString(),
    arrived,
    arrivedPerSec: (1000 * arrived) / (looked - began.getTime()),
  };
}

function message(number, to) {
  if (!options.fromCorpus) return { from: options.from, data: dotStuffed(syntheticMessage(options.size, to)) };
  const { length } = corpus();
  check(number < length, 'deliver: the corpus is too short');
  return { from: corpus().facts(number % length).from, data: dotStuffed(corpus().message(number % length)) };
}
