/**
 * Debian's Dovecot as the server to move away from: in a temporary folder, on free ports, with its mail in Maildir or mdbox. Everybody has the
 * same password; `master` may sign in for others. The test is skipped, aloud, where there is none.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ImapFlow } from 'imapflow';
import { defer } from '../helpers/defer.ts';
import { freePorts, listens } from '../helpers/ports.ts';
import { needsTool } from '../helpers/tools.ts';

export const OLD_PASSWORD = 'old-oak-tree';

export interface DovecotOptions {
  readonly format?: 'maildir' | 'mdbox';
  /** How a Maildir keeps folders: directories below directories, or Maildir++. */
  readonly layout?: 'fs' | '++';
  /** Between the parts of a folder's name. */
  readonly separator?: string;
  /** Of the person's folders: `INBOX.` */
  readonly prefix?: string;
  /** TLS with this certificate and key, in PEM. */
  readonly certificate?: string;
}

export async function oldDovecot(t: TestContext, options: DovecotOptions = {}): Promise<OldServer | undefined> {
  if (process.getuid?.() !== 0) {
    t.skip('Dovecot needs root');
    return undefined;
  }
  if (needsTool(t, 'dovecot') === undefined) return undefined;
  // A short path: Dovecot's own sockets lie below it.
  const folder = await mkdtemp(join(tmpdir(), 'dc-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const server = await startDovecot(folder, options);
  defer(t, () => server.stop());
  return server;
}

/** Starts Dovecot in a folder with a short path, as root. */
export async function startDovecot(folder: string, options: DovecotOptions = {}): Promise<OldServer> {
  await chmod(folder, 0o755);
  const mail = join(folder, 'mail');
  await mkdir(mail);
  await chown(mail, idOf('mail', '-u'), idOf('mail', '-g'));
  const server = new OldServer(folder, ...((await freePorts(2)) as [number, number]), options);
  await server.start();
  return server;
}

export class OldServer {
  readonly folder: string;
  readonly imap: number;
  readonly pop3: number;
  readonly #options: DovecotOptions;
  #process: ChildProcess | undefined;

  constructor(folder: string, imap: number, pop3: number, options: DovecotOptions) {
    this.folder = folder;
    this.imap = imap;
    this.pop3 = pop3;
    this.#options = options;
  }

  async start(): Promise<void> {
    const config = join(this.folder, 'dovecot.conf');
    await writeFile(config, await this.#configuration());
    this.#process = spawn('dovecot', ['-F', '-c', config], { stdio: 'ignore' });
    const listens = await Promise.all([waitFor(this.imap, this.#process), waitFor(this.pop3, this.#process)]);
    if (!listens.every(Boolean)) throw new Error(`Dovecot did not start:\n${await this.log()}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    await once(running, 'exit');
  }

  log(): Promise<string> {
    return readFile(join(this.folder, 'log'), 'utf8').catch(() => '');
  }

  /** An IMAP client of a person there. Ends with the test. */
  async client(t: TestContext, user: string): Promise<ImapFlow> {
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: this.imap,
      secure: false,
      doSTARTTLS: false,
      auth: { user, pass: OLD_PASSWORD },
      logger: false,
      disableAutoIdle: true,
    });
    await client.connect();
    defer(t, () => client.close());
    return client;
  }

  async #configuration(): Promise<string> {
    const { format = 'maildir', layout = 'fs', separator = '/', prefix = '', certificate } = this.#options;
    const location = format === 'mdbox' ? 'mdbox:~/mdbox' : `maildir:~/Maildir${layout === 'fs' ? ':LAYOUT=fs' : ''}`;
    const passwords = join(this.folder, 'master-users');
    await writeFile(passwords, `master:{PLAIN}${OLD_PASSWORD}\n`, { mode: 0o644 });
    const pem = join(this.folder, 'tls.pem');
    if (certificate !== undefined) await writeFile(pem, certificate, { mode: 0o600 });
    return `base_dir = ${this.folder}/run
state_dir = ${this.folder}/run
log_path = ${this.folder}/log
protocols = imap pop3
listen = 127.0.0.1
${certificate === undefined ? 'ssl = no' : `ssl = yes\nssl_cert = <${pem}\nssl_key = <${pem}`}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_master_user_separator = *
mail_home = ${this.folder}/mail/%u
mail_location = ${location}
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
mailbox_list_index = yes
mail_max_keyword_length = 100
mail_fsync = never
passdb {
  driver = passwd-file
  args = scheme=PLAIN ${passwords}
  master = yes
  result_success = continue
}
passdb {
  driver = static
  args = password=${OLD_PASSWORD}
}
userdb {
  driver = static
  args = uid=mail gid=mail home=${this.folder}/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = ${separator}
  prefix = ${prefix}
  mailbox "Entwürfe" {
    special_use = \\Drafts
    auto = create
  }
  mailbox "Sent Items" {
    special_use = \\Sent
    auto = subscribe
  }
}
service imap-login {
  service_count = 0
  inet_listener imap {
    port = ${this.imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  service_count = 0
  inet_listener pop3 {
    port = ${this.pop3}
  }
  inet_listener pop3s {
    port = 0
  }
}
service imap {
  service_count = 1000
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
protocol pop3 {
  pop3_uidl_format = %08Xu%08Xv
}
`;
  }
}

function idOf(user: string, option: '-u' | '-g'): number {
  return Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
}

/** Resolves true when a port listens, false when the process ended before. */
export async function waitFor(port: number, process: ChildProcess): Promise<boolean> {
  while (process.exitCode === null) {
    if (await listens(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
