/**
 * Undelete while the server serves: messages of one account are deleted over IMAP and brought back by command, while mail comes in for another
 * account. Says how long it takes, and the longest pause of the server's event loop meanwhile.
 *
 *   node bench/undelete.ts [messages] [bytes each]
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../src/cli/perform.ts';
import { importMail } from '../src/server/admin/import-mail.ts';
import { listRemoved, purgeRemoved, restoreRemoved } from '../src/server/admin/undelete.ts';
import { ImapDevice, LineClient } from '../test/helpers/line-client.ts';
import { accountAddress, PASSWORD } from './side-by-side/accounts.ts';
import { makeRainmail } from './side-by-side/rainmail.ts';

const MESSAGES = Number(process.argv[2] ?? 10_000);
const BYTES = Number(process.argv[3] ?? 8_000);
const [anna, ben] = [accountAddress(1), accountAddress(2)];

const scratch = await mkdtemp(join(process.env['RAINMAIL_BENCH_DIR'] ?? tmpdir(), 'rainmail-undelete-'));
const server = await makeRainmail(scratch);
const office = { data: join(scratch, 'rainmail', 'data'), json: true };
try {
  await server.start();
  const mbox = join(scratch, 'mail.mbox');
  await writeMbox(mbox);
  await perform(importMail, { account: anna, path: mbox, again: false }, office);
  await rm(mbox);

  await deleteAll();
  await measured('idle: list', () => perform(listRemoved, { account: anna, limit: 1_000 }, office));
  await measured('idle: restore', () => perform(restoreRemoved, { account: anna }, office));

  await deleteAll();
  const stop = new AbortController();
  const delivering = Promise.all(Array.from({ length: 4 }, () => deliverUntil(stop.signal)));
  await measured('under load: restore', () => perform(restoreRemoved, { account: anna }, office));
  stop.abort();
  const delivered = (await delivering).reduce((sum, count) => sum + count, 0);
  console.log(`  ${delivered} messages came in meanwhile`);

  await deleteAll();
  const purged = await measured('idle: purge', () => perform(purgeRemoved, { account: anna }, office));
  console.log(`  ${(purged.bytesFreed / 1e6).toFixed(1)} MB given back of ${(purged.bytes / 1e6).toFixed(1)} MB`);
} finally {
  await server.stop();
  await rm(scratch, { recursive: true });
}

async function measured<T extends { readonly messages: unknown }>(what: string, work: () => Promise<T>): Promise<T> {
  await server.longestPause(); // from here on
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1_000;
  const pause = await server.longestPause();
  console.log(
    `${what} of ${MESSAGES} messages of ${BYTES} bytes: ${seconds.toFixed(2)} s; longest pause ${pause?.toFixed(0)} ms`,
  );
  return result;
}

async function writeMbox(path: string): Promise<void> {
  const file = await open(path, 'w');
  const text = `${'All work and no play makes Jack a dull boy. '.repeat(2).trim()}\n`;
  const body = text.repeat(Math.max(1, Math.floor(BYTES / text.length)));
  for (let number = 0; number < MESSAGES; number++) {
    await file.write(
      `From a@example.org Tue Mar  3 09:15:00 2026\nFrom: Jack <jack@example.org>\nTo: ${anna}\nSubject: Chapter ${number}\nMessage-ID: <${number}@example.org>\n\n${body}\n`,
    );
  }
  await file.close();
}

async function deleteAll(): Promise<void> {
  const session = await ImapDevice.signIn(server.ports.imap, anna, PASSWORD);
  await session.command('SELECT INBOX');
  await session.command('STORE 1:* +FLAGS.SILENT (\\Deleted)');
  await session.command('EXPUNGE');
  session.close();
}

/** Delivers one message after the other. @returns how many */
async function deliverUntil(signal: AbortSignal): Promise<number> {
  const client = await LineClient.connect(server.ports.lmtp);
  await client.reply('220');
  await client.ask('LHLO bench', '250');
  let count = 0;
  for (; !signal.aborted; count++) {
    await client.ask('MAIL FROM:<jack@example.org>', '250');
    await client.ask(`RCPT TO:<${ben}>`, '250');
    await client.ask('DATA', '354');
    await client.ask(`Subject: ${count}\r\n\r\n${'x'.repeat(70)}\r\n.`, '250');
  }
  client.close();
  return count;
}
