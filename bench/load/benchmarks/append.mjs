import { check } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { syntheticMessage } from '../messages.mjs';
import { options, userName } from '../options.mjs';
import { messagesOfAll, repeatInParallel } from '../workers.mjs';

export async function append() {
  const before = await messagesOfAll();
  const result = await repeatInParallel(options.conns, {
    async open(i) {
      const client = await Imap.open();
      await client.login(userName(i));
      return client;
    },
    step: (client, i) => client.append('INBOX', syntheticMessage(options.size, userName(i))),
    close: (client) => client.logout(),
  });
  const arrived = (await messagesOfAll()) - before;
  check(arrived === result.ops, `append: ${result.ops} were acknowledged, ${arrived} are there`);
  return result;
}
