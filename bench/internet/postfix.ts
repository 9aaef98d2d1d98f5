/**
 * Postfix from the distribution's package, with a configuration, a queue and a port of its own: mail for example.org goes to a Dovecot over LMTP,
 * mail for other domains to a given port, each domain at an address of its own. Its limits on clients and its brake for a full queue are off; else it is as
 * installed.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, listens } from '../../test/helpers/ports.ts';
import { startProcess, stopProcess, untilReady } from '../side-by-side/server.ts';
import { DESTINATIONS, destinationAddress, destinationDomain } from './destinations.ts';

const DAEMONS = '/usr/lib/postfix/sbin';

/** The version of the Postfix that is installed, or why it can't be measured. */
export function findPostfix(): { readonly version: string } | { readonly missing: string } {
  try {
    const version = execFileSync('postconf', ['-d', '-h', 'mail_version'], { encoding: 'utf8' }).trim();
    if (process.getuid?.() !== 0) return { missing: 'Postfix needs root' };
    return { version };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { missing: 'Postfix is not installed' };
    throw error;
  }
}

export interface PostfixOptions {
  readonly scratch: string;
  /** Of the Dovecot that its local mail goes to. */
  readonly lmtp: number;
  /** Where everybody else listens. */
  readonly sink: number;
}

export class Postfix {
  readonly smtp: number;
  readonly #home: string;
  #process: ChildProcess | undefined;

  private constructor(home: string, smtp: number) {
    this.#home = home;
    this.smtp = smtp;
  }

  static async make({ scratch, lmtp, sink }: PostfixOptions): Promise<Postfix> {
    const home = join(scratch, 'postfix');
    await rm(home, { recursive: true, force: true });
    for (const name of ['etc', 'queue', 'data']) await mkdir(join(home, name), { recursive: true });
    for (const path of [scratch, home]) await chmod(path, 0o755); // its own user comes this way
    execFileSync('chown', ['postfix', join(home, 'data')]);
    const smtp = await freePort();
    const etc = join(home, 'etc');
    await writeFile(join(etc, 'main.cf'), main(home, lmtp));
    await writeFile(join(etc, 'master.cf'), master(smtp));
    const ways = Array.from({ length: DESTINATIONS }, (_, number) => {
      return `${destinationDomain(number)} smtp:[${destinationAddress(number)}]:${sink}\n`;
    });
    await writeFile(join(etc, 'transport'), ways.join(''));
    execFileSync('postmap', ['-c', etc, `hash:${join(etc, 'transport')}`]);
    execFileSync('postfix', ['-c', etc, 'check'], { stdio: 'ignore' }); // makes the folders of the queue
    return new Postfix(home, smtp);
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async start(): Promise<void> {
    const log = join(this.#home, 'log');
    this.#process = startProcess(join(DAEMONS, 'master'), ['-c', join(this.#home, 'etc'), '-s'], log);
    await untilReady(this.#process, log, () => listens(this.smtp));
  }

  async stop(): Promise<void> {
    await stopProcess(this.#process);
    this.#process = undefined;
  }
}

function main(home: string, lmtp: number): string {
  return `compatibility_level = 3.6
queue_directory = ${home}/queue
data_directory = ${home}/data
daemon_directory = ${DAEMONS}
maillog_file = ${home}/mail.log
maillog_file_prefixes = /
myhostname = bench.example.net
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.org
virtual_transport = lmtp:inet:127.0.0.1:${lmtp}
transport_maps = hash:${home}/etc/transport
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
in_flow_delay = 0
`;
}

function master(port: number): string {
  const services = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'verify unix - - n - 1 verify',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'relay unix - - n - - smtp',
    'showq unix n - n - - showq',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'lmtp unix - - n - - lmtp',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  return `${services.join('\n')}\n`;
}
