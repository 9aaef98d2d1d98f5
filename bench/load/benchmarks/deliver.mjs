import { setTimeout as sleep } from 'node:timers/promises';
import { check } from '../faults.mjs';
import { dotStuffed, syntheticMessage } from '../messages.mjs';
import { options, userName } from '../options.mjs';
import { Smtp } from '../smtp.mjs';
import { messagesOfAll, repeatInParallel } from '../workers.mjs';

/** How long an SMTP server that has a queue may take to empty it. */
const DRAIN_MS = 120_000;

export async function deliver() {
  const before = options.verify ? await messagesOfAll() : 0;
  let next = 0;
  const begin = performance.now();
  const result = await repeatInParallel(options.conns, {
    open: () => Smtp.open(options.proto),
    step(client) {
      const to = userName(next++);
      return client.send(options.from, to, dotStuffed(syntheticMessage(options.size, to)));
    },
    close: (client) => client.quit(),
  });
  if (!options.verify) return result;
  let arrived = (await messagesOfAll()) - before;
  while (options.proto === 'smtp' && arrived < result.ops && performance.now() - begin < DRAIN_MS) {
    await sleep(1000);
    arrived = (await messagesOfAll()) - before;
  }
  check(arrived === result.ops, `deliver: ${result.ops} were acknowledged, ${arrived} are there`);
  return { ...result, arrived };
}
