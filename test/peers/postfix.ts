/** Postfix, with a configuration and a queue of its own. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MakePeer, MOST_BYTES } from './peer-server.ts';

/** It is unpacked there: Debian has one mail server at a time. */
const ROOT = '/opt/postfix';
const LIBRARIES = `${ROOT}/usr/lib/postfix`;
export const POSTFIX = `${LIBRARIES}/sbin/master`;
export const POSTFIX_USERS = ['postfix', 'postdrop'];

export const postfix: MakePeer = async ({ folder, domain, host, address, address6, certificate, echo }) => {
  const etc = join(folder, 'etc');
  for (const name of ['etc', 'queue', 'data']) await mkdir(join(folder, name));
  execFileSync('chown', ['postfix', join(folder, 'data')]);
  await writeFile(join(folder, 'tls.pem'), certificate.key + certificate.cert, { mode: 0o600 });
  await writeFile(
    join(etc, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
daemon_directory = ${LIBRARIES}/sbin
command_directory = ${ROOT}/usr/sbin
shlib_directory = ${LIBRARIES}
meta_directory = ${ROOT}/etc/postfix
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH=${LIBRARIES}
maillog_file = ${folder}/log
maillog_file_prefixes = /
myhostname = ${host}
mydestination =
alias_maps =
inet_interfaces = ${address}, ${address6}
smtp_bind_address = ${address}
smtp_bind_address6 = ${address6}
mynetworks = 127.0.0.0/8
virtual_alias_domains = ${domain}, also.${domain}
virtual_alias_maps = inline:{ { echo@${domain} = ${echo} }, { echo@also.${domain} = ${echo} }, { zoë@${domain} = ${echo} }, { later@${domain} = ${echo} } }
smtpd_recipient_restrictions =
  check_recipient_access inline:{ { later@${domain} = 450 4.2.1 come back later } }, reject_unauth_destination
message_size_limit = ${MOST_BYTES}
smtpd_tls_security_level = may
smtpd_tls_chain_files = ${folder}/tls.pem
smtp_tls_security_level = may
smtputf8_enable = yes
`,
  );
  const services = [
    'smtp inet n - n - - smtpd',
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  await writeFile(join(etc, 'master.cf'), `${services.join('\n')}\n`);
  await chmod(folder, 0o755);
  const env = { ...process.env, LD_LIBRARY_PATH: LIBRARIES, PATH: `${ROOT}/usr/sbin:${process.env['PATH']}` };
  execFileSync('postfix', ['-c', etc, 'check'], { stdio: 'ignore', env }); // makes the folders of the queue
  return { command: POSTFIX, args: ['-c', etc, '-s'], env };
};
