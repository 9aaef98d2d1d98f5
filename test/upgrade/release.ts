/**
 * npm run release-data [-- ROOT]: makes the data directory that a release is remembered by, with the release's own code, and writes
 *
 *   test/upgrade/data/VERSION.tar.gz   `clean/`: after an end in order; `killed/`: after SIGKILL, with changes in the log alone
 *   test/upgrade/data/VERSION.json     what both must hold, read from that release's own server before it ended
 *
 * ROOT is a checkout of the release; without it, this one. The program is driven from outside (commands, LMTP, IMAP, POP3), so that one script
 * does for every version; only the ids of other servers (UIDL) go in through the store itself, where no command brings them.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { SERVICES } from '../../src/config/services.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD } from '../helpers/office.ts';
import { ENVIRONMENT, ServerProcess } from '../helpers/server-process.ts';
import { type Contents, readContents } from './contents.ts';

/** What is kept of a release as JSON. */
export interface Release {
  readonly version: string;
  /** Of every account. */
  readonly password: string;
  /** Sign in, and hold `contents`. */
  readonly people: readonly string[];
  readonly suspended: readonly string[];
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly clean: Held;
  readonly killed: Held;
}

export interface Held {
  readonly contents: Contents;
  /** Removed messages that can still be brought back, by account. */
  readonly retained: Readonly<Record<string, number>>;
}

const DATA = fileURLToPath(new URL('data/', import.meta.url));
/** Made anew by the server, or never to be kept. */
const LEFT_OUT = ['reserve', 'admin.sock', 'self-signed.pem', 'mail.db-shm'];

const ANNA = 'anna@office.test';
const BEN = 'ben@office.test';
const CARLA = 'carla@zweigstelle.test';
const DORA = 'dora@office.test';
const PEOPLE = [ANNA, BEN, CARLA];
const ALIASES = { 'sales@office.test': [ANNA, BEN], 'büro@zweigstelle.test': [CARLA] };
const GROUPS = { Sales: [ANNA, BEN], Everybody: [CARLA] };

async function make(root: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-release-'));
  try {
    const office = new ReleasedOffice(root, folder);
    await office.makePeople();
    await office.bringUidls();
    await office.start();
    await firstDay(office);
    const clean = await office.read();
    await office.stop('SIGTERM');
    await office.keepAs('clean');
    const cleanRetained = office.retained();
    await office.start();
    await secondDay(office);
    const killed = await office.read();
    await office.stop('SIGKILL');
    await office.keepAs('killed');
    const release: Release = {
      version,
      password: PASSWORD,
      people: PEOPLE,
      suspended: [DORA],
      aliases: ALIASES,
      groups: GROUPS,
      clean: { contents: clean, retained: cleanRetained },
      killed: { contents: killed, retained: office.retained() },
    };
    await mkdir(DATA, { recursive: true });
    const packed = join(DATA, `${version}.tar.gz`);
    execFileSync('tar', ['-C', folder, '-czf', packed, '--sort=name', '--owner=0', '--group=0', 'clean', 'killed']);
    await writeFile(join(DATA, `${version}.json`), `${JSON.stringify(release, null, 1)}\n`);
    process.stdout.write(`${packed}: ${(await stat(packed)).size} bytes\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class ReleasedOffice {
  readonly folder: string;
  readonly data: string;
  readonly #root: string;
  #server: ServerProcess | undefined;
  #ports: Record<string, number> = {};

  constructor(root: string, folder: string) {
    this.#root = root;
    this.folder = folder;
    this.data = join(folder, 'data');
  }

  async makePeople(): Promise<void> {
    const rows = [
      `${ANNA},${PASSWORD},"Lee, Anna",Sales`,
      `${BEN},${PASSWORD},Ben Çelik,Sales`,
      `${CARLA},${PASSWORD},Carla,Everybody`,
      `${DORA},${PASSWORD},,`,
    ];
    const csv = join(this.folder, 'people.csv');
    await writeFile(csv, `${rows.join('\n')}\n`);
    this.command('account', 'import', csv);
    this.command('account', 'suspend', DORA);
    this.command('quota', 'set', 'account', BEN, '1GB');
    for (const [address, accounts] of Object.entries(ALIASES)) this.command('alias', 'add', address, ...accounts);
  }

  /** Messages that another server has given unique ids. */
  async bringUidls(): Promise<void> {
    const { MailStore } = (await import(
      join(this.#root, 'src/store/store.ts')
    )) as typeof import('../../src/store/store.ts');
    const store = await MailStore.open({ directory: this.data, command: 'release-data' });
    const accounts = JSON.parse(this.#offline('SELECT account_id AS id, name FROM account')) as {
      id: number;
      name: string;
    }[];
    const account = accounts.find(({ name }) => name === BEN)!.id as never;
    for (const [index, uidl] of ['0000000a4f1e2d3c', 'UID17-1234567', '~!"#'].entries()) {
      const stage = store.stage(1e6);
      await stage.write(Buffer.from(message(`from the old server ${index}`)));
      const staged = await stage.finish();
      const flags = { bits: index, keywords: [] } as never;
      await store.append({ account, mailbox: 1 as never }, [{ staged, flags, received: 1_000_000_000 + index, uidl }]);
    }
    await store.close();
  }

  async start(): Promise<void> {
    const config = join(this.folder, 'rainmail.toml');
    const listen = SERVICES.map(({ name }) => `${name} = ["127.0.0.1:0"]`);
    await writeFile(config, `name = "mail.office.test"\n[listen]\n${listen.join('\n')}\n`);
    this.#server = new ServerProcess(process.execPath, [this.#main, 'serve', '--data', this.data, '--config', config]);
    await this.#server.ready();
    const { server } = JSON.parse(this.command('status', '--json')) as {
      server: { listening: { service: string; port: number }[] };
    };
    this.#ports = Object.fromEntries(server.listening.map(({ service, port }) => [service, port]));
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#server!.signal(signal);
    await this.#server!.end();
  }

  read(): Promise<Contents> {
    return readContents({ imap: this.#ports['imap']!, pop3: this.#ports['pop3']! }, PEOPLE, PASSWORD);
  }

  /** Copies the data directory as it lies there, before anything opens it. */
  async keepAs(name: string): Promise<void> {
    const copy = join(this.folder, name);
    await cp(this.data, copy, {
      recursive: true,
      filter: (path) => !LEFT_OUT.some((left) => path.endsWith(`/${left}`)),
    });
  }

  /** Of a copy, so that the log of a killed server is not written into the original. */
  retained(): Record<string, number> {
    const rows = JSON.parse(
      this.#offline('SELECT a.name, count(*) AS count FROM retained r JOIN account a USING (account_id) GROUP BY 1'),
    ) as { name: string; count: number }[];
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }

  imap(name: string): Promise<ImapDevice> {
    return ImapDevice.signIn(this.#ports['imap']!, name, PASSWORD);
  }

  pop3(name: string): Promise<Pop3Device> {
    return Pop3Device.signIn(this.#ports['pop3']!, name, PASSWORD);
  }

  /** One message for some recipients, over LMTP. */
  async deliver(recipients: readonly string[], text: string): Promise<void> {
    const client = await LineClient.connect(this.#ports['lmtp']!);
    await client.reply('220');
    await client.ask('LHLO test', '250');
    await client.ask('MAIL FROM:<someone@example.org>', '250');
    for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`, '250');
    await client.ask('DATA', '354');
    client.send(`${text.replace(/^\./gm, '..')}.\r\n`);
    for (const _ of recipients) await client.reply('250');
    client.close();
  }

  command(...args: string[]): string {
    return execFileSync(process.execPath, [this.#main, ...args, '--data', this.data], {
      env: ENVIRONMENT,
      encoding: 'utf8',
    });
  }

  get #main(): string {
    return join(this.#root, 'src/main.ts');
  }

  #offline(query: string): string {
    const database = new DatabaseSync(join(this.data, 'mail.db'));
    try {
      return JSON.stringify(database.prepare(query).all());
    } finally {
      database.close();
    }
  }
}

function message(subject: string, text = 'Hello.\r\n', more = ''): string {
  const id = subject.replaceAll(/[^a-z0-9]/gi, '.');
  return `From: Someone <someone@example.org>\r\nTo: ${ANNA}\r\nSubject: ${subject}\r\nMessage-ID: <${id}@example.org>\r\n${more}\r\n${text}`;
}

/** Everything that a store can hold, in small: what the next versions must still understand. */
async function firstDay(office: ReleasedOffice): Promise<void> {
  for (let number = 1; number <= 6; number++) await office.deliver(PEOPLE, message(`to all, ${number}`));
  await office.deliver(
    ['sales@office.test'],
    message('Re: to all, 1', '.\r\n..\r\nA reply.\r\n', 'In-Reply-To: <to.all..1@example.org>\r\n'),
  );
  await office.deliver([ANNA], message('large', `${'All work and no play makes Jack a dull boy.\r\n'.repeat(40_000)}`));
  const parts =
    '--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>ä</b>\r\n--b\r\nContent-Type: application/pdf; name="a b.pdf"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n';
  await office.deliver(
    [ANNA, CARLA],
    message('=?utf-8?q?Gr=C3=BC=C3=9Fe?=', parts, 'Content-Type: multipart/mixed; boundary=b\r\n'),
  );

  const anna = await office.imap(ANNA);
  await anna.command('CREATE Projects/2026/Autumn');
  await anna.command('CREATE "odd \\"name\\" (1) %25 &- more"');
  await anna.command('CREATE Entw&APw-rfe');
  await anna.command('CREATE &ZeVnLIqe-/&U,BTFw-');
  await anna.command('SUBSCRIBE Projects/2026');
  await anna.command('CREATE gone');
  await anna.command('SUBSCRIBE gone');
  await anna.command('DELETE gone');
  await anna.command('RENAME Archive "Old mail"');
  await anna.command('UNSUBSCRIBE Junk');
  await anna.append('Projects/2026/Autumn', message('filed', 'kept\r\n'), '\\Seen \\Flagged $Forwarded custom-keyword');
  await anna.append('Drafts', message('a draft'), '\\Draft');
  await anna.append('Entw&APw-rfe', message('umlauts'));
  await anna.append('&ZeVnLIqe-/&U,BTFw-', message('far away'), '\\Answered');
  await anna.command('SELECT INBOX');
  await anna.command('UID STORE 1:3 +FLAGS (\\Seen)');
  await anna.command('UID STORE 2 +FLAGS (\\Answered $Junk)');
  await anna.command('UID COPY 1,4 Projects/2026');
  await anna.command('UID MOVE 5 Trash');
  await anna.command('UID STORE 6 +FLAGS (\\Deleted)');
  await anna.command('EXPUNGE');
  await anna.command('UID STORE 4 +FLAGS (\\Deleted)');
  anna.close();

  const ben = await office.pop3(BEN);
  await ben.retr(1);
  await ben.dele(4);
  await ben.command('QUIT');
  ben.close();
}

/** Changes that only the log holds when the server is killed; of a kind of each. */
async function secondDay(office: ReleasedOffice): Promise<void> {
  await office.deliver(PEOPLE, message('on the second day'));
  const anna = await office.imap(ANNA);
  await anna.append('Projects/2026/Autumn', message('filed late'), '\\Seen');
  await anna.command('RENAME Projects/2026/Autumn Projects/Autumn');
  await anna.command('SELECT INBOX');
  await anna.command('UID STORE 1 FLAGS (\\Flagged second)');
  await anna.command('UID STORE 3 +FLAGS (\\Deleted)');
  await anna.command('UID EXPUNGE 3');
  anna.close();
  const ben = await office.pop3(BEN);
  await ben.dele(1);
  await ben.command('QUIT');
  ben.close();
}

if (import.meta.main) await make(resolve(process.argv[2] ?? fileURLToPath(new URL('../../', import.meta.url))));
