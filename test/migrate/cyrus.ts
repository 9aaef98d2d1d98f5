/**
 * Debian's Cyrus as the server to move away from, in a temporary folder under its own user, with its old namespace: everything of a person is
 * below `INBOX.`. The test is skipped, aloud, where there is none.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ImapFlow } from 'imapflow';
import { defer } from '../helpers/defer.ts';
import { freePorts } from '../helpers/ports.ts';
import { needsTool } from '../helpers/tools.ts';
import { OLD_PASSWORD, waitFor } from './dovecot.ts';

const PROGRAMS = '/usr/lib/cyrus/bin';

export interface OldCyrus {
  readonly imap: number;
  readonly pop3: number;
  client(user: string): Promise<ImapFlow>;
}

export async function oldCyrus(t: TestContext): Promise<OldCyrus | undefined> {
  if (process.getuid?.() !== 0 || !existsSync(join(PROGRAMS, 'master'))) {
    t.skip('cyrus-imapd is not installed, or this is not root');
    return undefined;
  }
  if (needsTool(t, 'saslpasswd2') === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'cy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [imap, pop3] = (await freePorts(2)) as [number, number];
  for (const name of ['conf', 'spool', 'run', 'run/lock', 'run/proc']) await mkdir(join(folder, name));
  const passwords = join(folder, 'sasldb2');
  for (const user of ['admin', 'anna'])
    execFileSync('saslpasswd2', ['-p', '-c', '-f', passwords, '-u', 'localhost', user], { input: OLD_PASSWORD });
  const settings = join(folder, 'imapd.conf');
  await writeFile(settings, imapdConf(folder));
  await writeFile(join(folder, 'cyrus.conf'), cyrusConf(settings, imap, pop3));
  await giveTo('cyrus', folder);
  const args = ['-C', settings, '-M', join(folder, 'cyrus.conf'), '-p', join(folder, 'run/pid')];
  const master = spawn(join(PROGRAMS, 'master'), args, { stdio: 'ignore' });
  defer(t, () => end(master));
  if (!(await waitFor(imap, master)) || !(await waitFor(pop3, master))) throw new Error('Cyrus did not start');
  const client = async (user: string) => {
    const connected = new ImapFlow({
      host: '127.0.0.1',
      port: imap,
      secure: false,
      doSTARTTLS: false,
      auth: { user, pass: OLD_PASSWORD },
      logger: false,
      disableAutoIdle: true,
    });
    await connected.connect();
    defer(t, () => connected.close());
    return connected;
  };
  const admin = await client('admin');
  await admin.mailboxCreate('user.anna');
  return { imap, pop3, client };
}

async function end(master: ChildProcess): Promise<void> {
  if (master.exitCode !== null || master.signalCode !== null) return;
  master.kill();
  await once(master, 'exit');
}

async function giveTo(user: string, folder: string): Promise<void> {
  const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, user], { encoding: 'utf8' })));
  await chown(folder, uid!, gid!);
  for (const name of await readdir(folder, { recursive: true })) await chown(join(folder, name), uid!, gid!);
}

function imapdConf(folder: string): string {
  return `configdirectory: ${folder}/conf
partition-default: ${folder}/spool
defaultpartition: default
admins: admin
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${folder}/sasldb2
sasl_mech_list: PLAIN LOGIN
allowplaintext: yes
sasl_minimum_layer: 0
altnamespace: no
unixhierarchysep: no
servername: localhost
lmtpsocket: ${folder}/run/lmtp
idlesocket: ${folder}/run/idle
notifysocket: ${folder}/run/notify
proc_path: ${folder}/run/proc
mboxname_lockpath: ${folder}/run/lock
munge8bit: no
popminpoll: 0
`;
}

function cyrusConf(settings: string, imap: number, pop3: number): string {
  return `START {
}
SERVICES {
  imap cmd="imapd -C ${settings} -U 30" listen="127.0.0.1:${imap}" prefork=0 maxchild=20
  pop3 cmd="pop3d -C ${settings} -U 30" listen="127.0.0.1:${pop3}" prefork=0 maxchild=20
}
EVENTS {
}
`;
}
