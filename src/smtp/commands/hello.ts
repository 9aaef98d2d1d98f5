/** EHLO and HELO (RFC 5321 4.1.1.1), LHLO (RFC 2033 4.1). */
import { BadCommand } from '../../errors.ts';
import type { SmtpCommand } from '../command.ts';
import { announced } from '../extensions.ts';
import type { Reply } from '../reply.ts';
import type { SmtpSession } from '../session.ts';

export const ehlo: SmtpCommand = { name: 'EHLO', help: 'EHLO your.name: who you are', run: greet };

export const lhlo: SmtpCommand = { name: 'LHLO', help: 'LHLO your.name: who you are', run: greet };

export const helo: SmtpCommand = {
  name: 'HELO',
  help: 'HELO your.name: who you are, without extensions',
  run(session, args) {
    introduce(session, args);
    session.extended = false;
    return `250 ${session.context.hostname}\r\n`;
  },
};

function greet(session: SmtpSession, args: string): Reply {
  introduce(session, args);
  session.extended = true;
  const lines = [session.context.hostname, ...announced(session)];
  const last = lines.length - 1;
  return lines.map((line, i) => `250${i === last ? ' ' : '-'}${line}\r\n`).join('');
}

/** Any name will do: what it says proves nothing, and it ends the transaction (RFC 5321 4.1.4). */
function introduce(session: SmtpSession, name: string): void {
  if (name === '') throw new BadCommand('Say who you are: a host name follows the command');
  session.abandonTransaction();
  session.helo = name;
}
