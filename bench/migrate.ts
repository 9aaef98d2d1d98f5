/**
 * How fast an account moves in from Dovecot, next to what the IMAP client library reads from the same server by itself, throwing it away: the
 * bound. Needs Debian's Dovecot and root.
 *
 *   node bench/migrate.ts [messages]     20,000 unless said otherwise, of 8 KB at the median
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveIn } from '../src/migrate/move-in.ts';
import { nowSeconds } from '../src/store/ids.ts';
import { createAccount } from '../src/store/operations/accounts.ts';
import { MailStore } from '../src/store/store.ts';
import { OLD_PASSWORD, startDovecot } from '../test/migrate/dovecot.ts';

const COUNT = Number(process.argv[2] ?? 20_000);
const folder = await mkdtemp(join(tmpdir(), 'mb-'));
await chmod(folder, 0o755); // Dovecot's processes go through it as another user
const dovecot = join(folder, 'd');
await mkdir(dovecot);
const old = await startDovecot(dovecot);
try {
  const bytes = await fillMaildir(join(dovecot, 'mail/anna'));
  const warm = read(); // Dovecot makes its indexes at the first reading
  const store = await MailStore.open({ directory: join(folder, 'data'), command: 'bench' });
  const id = await store.engine.write((tx) =>
    createAccount(tx, { name: 'anna@office.test', quotaBytes: null, now: nowSeconds() }),
  );
  const before = process.resourceUsage().maxRSS;
  const cpu = process.cpuUsage();
  const [report] = await moveIn(
    store,
    {
      what: 'pull',
      source: { protocol: 'imap', host: '127.0.0.1', port: old.imap, security: 'none' },
      people: [{ id, name: 'anna@office.test', user: 'anna', signIn: { user: 'anna', password: OLD_PASSWORD } }],
      parallel: 1,
      keepRemoved: false,
      leaveOut: false,
    },
    { progress: () => {}, signal: new AbortController().signal, onBegin: async () => {}, onReport: async () => {} },
  );
  const peak = process.resourceUsage().maxRSS;
  const { user, system } = process.cpuUsage(cpu);
  await store.close();
  if (report!.brought.messages !== COUNT) throw new Error(`${report!.brought.messages} of ${COUNT} messages came`);
  const alone = read();
  const line = (what: string, seconds: number) =>
    console.log(
      `${what.padEnd(28)} ${seconds.toFixed(2).padStart(8)} s ${(COUNT / seconds).toFixed(0).padStart(8)} messages/s ${(bytes / 1e6 / seconds).toFixed(1).padStart(8)} MB/s`,
    );
  console.log(`${COUNT} messages, ${(bytes / 1e6).toFixed(0)} MB, from Dovecot (Maildir)`);
  line('imapflow alone, first', warm);
  line('imapflow alone, again', alone);
  line('rainmail migrate', report!.seconds);
  console.log(`processor time of the move: ${((user + system) / 1e6).toFixed(2)} s`);
  console.log(
    `memory at the most: ${(peak / 1_024).toFixed(0)} MB (${(before / 1_024).toFixed(0)} MB before the move)`,
  );
} finally {
  await old.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Reads everything as moving in does, in a process of its own, and keeps nothing. @returns seconds */
function read(): number {
  const script = `
    import { ImapFlow } from 'imapflow';
    const began = performance.now();
    const client = new ImapFlow({ host: '127.0.0.1', port: ${old.imap}, secure: false, doSTARTTLS: false,
      auth: { user: 'anna', pass: '${OLD_PASSWORD}' }, logger: false });
    await client.connect();
    await client.mailboxOpen('INBOX', { readOnly: true });
    let count = 0;
    for await (const row of client.fetch('1:*', { uid: true, flags: true, internalDate: true, source: true }))
      if (row.source !== undefined) count += 1;
    await client.logout();
    if (count !== ${COUNT}) throw new Error(\`imapflow read \${count} messages\`);
    console.log((performance.now() - began) / 1_000);`;
  const args = ['--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' }));
}

/** @returns bytes, with CRLF as they are served */
async function fillMaildir(home: string): Promise<number> {
  const cur = join(home, 'Maildir/cur');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(home, 'Maildir', name), { recursive: true });
  let [seed, bytes] = [1, 0];
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let index = 0; index < COUNT; index += 1) {
    const normal = Math.sqrt(-2 * Math.log(random() + 1e-9)) * Math.cos(2 * Math.PI * random());
    const size = Math.min(2_000_000, Math.max(1_000, Math.round(8_192 * Math.exp(1.2 * normal))));
    const head = `From: <ben@example.org>\nDate: Mon, 1 Jan 2024 12:00:00 +0100\nMessage-ID: <${index}@example.org>\nSubject: message ${index}\n\n`;
    const text = head + 'A line of text in a letter of the office, as long as most of them are.\n'.repeat(size / 72);
    bytes += text.length + text.split('\n').length - 1;
    await writeFile(join(cur, `${1_700_000_000 + index}.M${index}P1.old:2,S`), text);
  }
  execFileSync('chown', ['-R', 'mail:mail', home]);
  return bytes;
}
