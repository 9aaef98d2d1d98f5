import { check } from '../faults.mjs';
import { Imap, quote } from '../imap.mjs';
import { corpus } from '../messages.mjs';
import { Meter } from '../meter.mjs';
import { options } from '../options.mjs';

export async function fill() {
  const count = options.count || corpus().length;
  const client = await Imap.open();
  await client.login(options.user);
  if (options.mailbox.toUpperCase() !== 'INBOX') await client.ok(`CREATE ${quote(options.mailbox)}`);
  check((await client.messages(options.mailbox)) === 0, 'fill: the mailbox is not empty');
  const meter = new Meter();
  meter.start();
  for (let i = 0; i < count; i++) await client.append(options.mailbox, corpus().message(i));
  meter.stop();
  const arrived = await client.messages(options.mailbox);
  check(arrived === count, `fill: ${arrived} messages, not ${count}`);
  await client.logout();
  return meter.result(count);
}
