/** POP3: UIDL and LIST of a maildrop, session after session; the first one is not measured: the server may get to know it. */
import { check } from '../faults.mjs';
import { Meter } from '../meter.mjs';
import { options } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';

const END_OF_LINE = 10;

export async function listing() {
  const times = { UIDL: [], LIST: [] };
  const meter = new Meter();
  await session({ UIDL: [], LIST: [] });
  let sessions = 0;
  meter.start();
  const begin = performance.now();
  do {
    await session(times);
    sessions++;
  } while (performance.now() - begin < options.secs * 1_000);
  meter.stop();
  const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];
  return { ...meter.result(sessions), ms: { UIDL: median(times.UIDL), LIST: median(times.LIST) } };
}

async function session(times) {
  const client = await Pop3.open();
  await client.login(options.user);
  const { count } = await client.stat();
  check(count === options.count, `listing: ${count} messages, not ${options.count}`);
  for (const command of Object.keys(times)) {
    let answer;
    const begin = performance.now();
    await client.multiline(command, (body) => (answer = Buffer.from(body)));
    times[command].push(performance.now() - begin);
    check(linesIn(answer) === count, `listing: ${command} gave ${linesIn(answer)} lines for ${count} messages`);
  }
  await client.quit();
}

function linesIn(bytes) {
  let lines = 0;
  for (const byte of bytes) if (byte === END_OF_LINE) lines++;
  return lines;
}
