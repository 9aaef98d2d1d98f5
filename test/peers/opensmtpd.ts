/** OpenSMTPD. It keeps its queue in folders of the machine, which are empty ones in the test's own network. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MakePeer, MOST_BYTES } from './peer-server.ts';

export const OPENSMTPD = '/opt/opensmtpd/usr/sbin/smtpd';
export const OPENSMTPD_USERS = ['opensmtpd', 'opensmtpq'];

export const opensmtpd: MakePeer = async ({ folder, domain, host, address, certificate, echo }) => {
  await mkdir('/var/lib/opensmtpd/empty', { recursive: true });
  await writeFile(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
  await writeFile(join(folder, 'cert.pem'), certificate.cert);
  const file = join(folder, 'smtpd.conf');
  await writeFile(
    file,
    `pki ${host} cert "${folder}/cert.pem"
pki ${host} key "${folder}/key.pem"
table echoes { "echo@${domain}" = "${echo}" }
table known { "echo@${domain}" }
smtp max-message-size ${MOST_BYTES}
listen on ${address} port 25 tls pki ${host} hostname ${host}
action "echo" forward-only virtual <echoes>
action "out" relay src ${address} helo ${host}
match from any for rcpt-to <known> action "echo"
match from any for domain "${echo.slice(echo.indexOf('@') + 1)}" action "out"
`,
  );
  return { command: OPENSMTPD, args: ['-d', '-f', file] };
};
