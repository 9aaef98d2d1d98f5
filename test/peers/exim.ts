/** Exim, with a configuration and a spool of its own: its folder of the machine is hidden behind them. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mount } from './own-users.ts';
import { type MakePeer, MOST_BYTES } from './peer-server.ts';

export const EXIM = '/usr/sbin/exim4';
export const EXIM_USERS = ['Debian-exim'];

export const exim: MakePeer = async ({ folder, domain, host, address, address6, certificate, echo }) => {
  const etc = join(folder, 'etc');
  for (const name of ['etc', 'spool', 'log']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
  await writeFile(join(folder, 'cert.pem'), certificate.cert);
  await writeFile(
    join(etc, 'exim4.conf'),
    `primary_hostname = ${host}
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%s
local_interfaces = <; ${address} ; ${address6}
daemon_smtp_ports = 25
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
smtputf8_advertise_hosts = *
message_size_limit = ${MOST_BYTES}
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  defer recipients = later@${domain}
    condition = \${if !exists{${folder}/known}}
    message = 4.2.1 come back later
  deny !domains = ${domain} : also.${domain}
    message = 5.7.1 not by me
  deny !local_parts = echo : zoë : later
    message = 5.1.1 nobody of that name
  accept
data:
  accept

begin routers
echo:
  driver = redirect
  domains = ${domain} : also.${domain}
  data = ${echo}
others:
  driver = dnslookup
  transport = smtp

begin transports
smtp:
  driver = smtp
  interface = <; ${address} ; ${address6}

begin retry
* * F,1h,1m
`,
  );
  execFileSync('chown', [
    '-R',
    'Debian-exim:Debian-exim',
    join(folder, 'spool'),
    join(folder, 'log'),
    join(folder, 'key.pem'),
  ]);
  mount('--bind', etc, '/etc/exim4');
  return { command: EXIM, args: ['-bdf', '-q1m'] };
};
