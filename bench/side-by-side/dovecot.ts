/**
 * Dovecot 2.3 from the distribution's package, in two instances: mail in mdbox and in Maildir. Tuned as its documentation
 * advises for speed: sign-in processes that live long, session processes that are used again; `mail_fsync` at its default.
 * Passwords are plain, so that no hash is measured.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, listens } from '../../test/helpers/ports.ts';
import { ACCOUNTS, accountAddress, PASSWORD } from './accounts.ts';
import { type MailServer, type Ports, startProcess, stopProcess, untilReady } from './server.ts';

/** Owns the mail; a user of every Debian. */
const MAIL_USER = 'mail';
const OPEN_FILES = 20_000;

const KINDS = [
  { name: 'Dovecot mdbox', location: 'mdbox:~/mdbox' },
  { name: 'Dovecot maildir', location: 'maildir:~/Maildir' },
] as const;

/** The version of the Dovecot that is installed, or why it can't be measured. */
export function findDovecot(): { readonly version: string } | { readonly missing: string } {
  try {
    const version = execFileSync('dovecot', ['--version'], { encoding: 'utf8' }).split(' ')[0]!.trim();
    if (!version.startsWith('2.3.'))
      return { missing: `Dovecot ${version} is installed; its configuration is for 2.3` };
    if (process.getuid?.() !== 0) return { missing: 'Dovecot needs root' };
    return { version };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'Dovecot is not installed' };
    throw error;
  }
}

/**
 * @param sockets  a folder with a short path, for Dovecot's own sockets
 */
export async function makeDovecots(scratch: string, sockets: string, version: string): Promise<MailServer[]> {
  const directory = join(scratch, 'dovecot');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await chmod(sockets, 0o755);
  const passwords = join(directory, 'passwords');
  const lines = Array.from({ length: ACCOUNTS }, (_, i) => `${accountAddress(i + 1)}:{PLAIN}${PASSWORD}::::::\n`);
  await writeFile(passwords, lines.join(''), { mode: 0o640 });
  await chown(passwords, 0, idOf('dovecot', '-g'));
  return Promise.all(
    KINDS.map(async ({ name, location }) => {
      const home = join(directory, name.split(' ')[1]!);
      const mail = join(home, 'mail');
      await mkdir(mail, { recursive: true });
      await chown(mail, idOf(MAIL_USER, '-u'), idOf(MAIL_USER, '-g'));
      const [imap, pop3, lmtp] = await freePorts(3);
      const ports: Ports = { imap: imap!, pop3: pop3!, lmtp: lmtp!, smtp: null };
      const run = join(sockets, name.split(' ')[1]!);
      const logFile = join(home, 'log');
      const config = join(home, 'dovecot.conf');
      await writeFile(config, configuration({ run, logFile, location, mail, passwords, ports }));
      return new Dovecot({ name, version, ports, config, logFile });
    }),
  );
}

function idOf(user: string, option: '-u' | '-g'): number {
  return Number(execFileSync('id', [option, user], { encoding: 'utf8' }));
}

interface Installation {
  readonly name: (typeof KINDS)[number]['name'];
  readonly version: string;
  readonly ports: Ports;
  readonly config: string;
  readonly logFile: string;
}

class Dovecot implements MailServer {
  readonly #installation: Installation;
  #process: ChildProcess | undefined;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  get name() {
    return this.#installation.name;
  }

  get version(): string {
    return this.#installation.version;
  }

  get ports(): Ports {
    return this.#installation.ports;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async start(): Promise<void> {
    const { config, logFile, ports } = this.#installation;
    const command = `ulimit -n ${OPEN_FILES} && exec dovecot -F -c "$0"`;
    this.#process = startProcess('sh', ['-c', command, config], `${logFile}.start`);
    await untilReady(this.#process, logFile, async () => (await listens(ports.imap)) && (await listens(ports.lmtp)));
  }

  async stop(): Promise<void> {
    await stopProcess(this.#process);
    this.#process = undefined;
  }

  async longestPause(): Promise<null> {
    return null;
  }
}

interface Settings {
  readonly run: string;
  readonly logFile: string;
  readonly location: string;
  readonly mail: string;
  readonly passwords: string;
  readonly ports: Ports;
}

function configuration({ run, logFile, location, mail, passwords, ports }: Settings): string {
  const signIn = (protocol: 'imap' | 'pop3') => `
service ${protocol}-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 4000
  inet_listener ${protocol} {
    port = ${ports[protocol]}
  }
  inet_listener ${protocol}s {
    port = 0
  }
}
service ${protocol} {
  service_count = 1000
  client_limit = 1
  process_limit = 3000
  process_min_avail = 4
}`;
  return `base_dir = ${run}
state_dir = ${run}
log_path = ${logFile}
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_home = ${mail}/%u
mail_location = ${location}
mail_uid = ${MAIL_USER}
mail_gid = ${MAIL_USER}
first_valid_uid = 1
default_client_limit = 6000
default_process_limit = 3000
default_vsz_limit = 1G
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${passwords}
}
userdb {
  driver = static
  args = uid=${MAIL_USER} gid=${MAIL_USER} home=${mail}/%u
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
  }
  mailbox Trash {
    special_use = \\Trash
  }
}
service anvil {
  client_limit = 20000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
${signIn('imap')}
${signIn('pop3')}
service lmtp {
  process_min_avail = 4
  process_limit = 200
  service_count = 1000
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${ports.lmtp}
  }
}
service auth {
  client_limit = 20000
}
service stats {
  client_limit = 6000
}
protocol lmtp {
  postmaster_address = postmaster@example.org
}
protocol imap {
  mail_max_userip_connections = 5000
}
protocol pop3 {
  mail_max_userip_connections = 5000
}
`;
}
