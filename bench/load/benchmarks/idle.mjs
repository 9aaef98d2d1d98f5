/** Memory of sessions that wait: over IMAP signed in, INBOX selected, in IDLE; over POP3 signed in. */
import { setTimeout as sleep } from 'node:timers/promises';
import { check, fault } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { options, userName } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';
import { serverMemoryKb } from '../server-process.mjs';
import { forEachInParallel } from '../workers.mjs';

const AT_A_TIME = 16;

export async function idle() {
  const { begin, end } =
    options.proto === 'pop3' ? { begin: pop3Begin, end: pop3End } : { begin: imapBegin, end: imapEnd };
  // What is made once is not for the sessions to pay. One at a time, so that no more processes serve them than before.
  for (let i = 0; i < options.users; i++) await end(await begin(userName(i)));
  const before = await settledMemoryKb();
  const sessions = [];
  await forEachInParallel(options.conns, AT_A_TIME, async (i) => {
    try {
      sessions.push(await begin(userName(i)));
    } catch (error) {
      fault(`session ${i}: ${error.message}`);
    }
  });
  check(sessions.length === options.conns, `idle: ${sessions.length} of ${options.conns} sessions`);
  const during = await settledMemoryKb();
  const endOne = (i) => end(sessions[i]).catch((error) => fault(`end of a session: ${error.message}`));
  await forEachInParallel(sessions.length, AT_A_TIME, endOne);
  return { ops: options.conns, kbBefore: before, kbDuring: during, kbEach: (during - before) / options.conns };
}

/** The server's memory when it has not changed by more than a hundredth for --settle seconds. */
async function settledMemoryKb() {
  let steady = 0;
  let last = serverMemoryKb();
  for (let waited = 0; steady < options.settle && waited < 10 * options.settle; waited++) {
    await sleep(1000);
    const now = serverMemoryKb();
    steady = Math.abs(now - last) < last / 100 ? steady + 1 : 0;
    last = now;
  }
  return last;
}

async function imapBegin(user) {
  const client = await Imap.open();
  await client.login(user);
  await client.select('INBOX');
  const idling = Promise.withResolvers();
  const done = client.command('IDLE', idling.resolve);
  await Promise.race([idling.promise, done.then(({ text }) => Promise.reject(new Error(`IDLE -> ${text}`)))]);
  done.catch(() => {}); // seen at the end
  client.waiters.patient = true;
  return { client, done };
}

async function imapEnd({ client, done }) {
  client.waiters.alive();
  client.waiters.patient = false;
  client.socket.write('DONE\r\n');
  const { status, text } = await done;
  if (status !== 'OK') throw new Error(`DONE -> ${text}`);
  await client.logout();
}

async function pop3Begin(user) {
  const client = await Pop3.open();
  await client.login(user);
  await client.stat();
  return client;
}

async function pop3End(client) {
  await client.quit();
}
