/** SMTP, submission and LMTP are one protocol with small differences. They all stand here, as data. */
import type { Envelope } from '../delivery/types.ts';
import type { SmtpCommand } from './command.ts';
import { auth } from './commands/auth.ts';
import { bdat } from './commands/bdat.ts';
import { data } from './commands/data.ts';
import { ehlo, helo, lhlo } from './commands/hello.ts';
import { expn, help, noop, vrfy } from './commands/information.ts';
import { mail } from './commands/mail.ts';
import { quit } from './commands/quit.ts';
import { rcpt } from './commands/rcpt.ts';
import { rset } from './commands/rset.ts';
import { starttls } from './commands/starttls.ts';
import type { BareLineEnds } from './syntax/line-endings.ts';

export interface Dialect {
  readonly protocol: Envelope['protocol'] & ('smtp' | 'submission' | 'lmtp');
  /** What the greeting calls the service. */
  readonly service: 'ESMTP' | 'LMTP';
  readonly commands: ReadonlyMap<string, SmtpCommand>;
  /** After the data each accepted recipient gets a reply of its own (RFC 2033 4.2). */
  readonly repliesByRecipient: boolean;
  readonly bareLineEnds: BareLineEnds;
  /** Date and Message-ID are added where they are missing, and Bcc is taken out (RFC 6409 8). */
  readonly completesHeader: boolean;
  /** Replies of 5xx since the last message taken, after which the connection ends. */
  readonly mostErrors: number;
}

const common = [mail, rcpt, data, bdat, rset, noop, quit, vrfy, expn, help, starttls];

/** From strangers: an office has few hundred addresses, so fifty wrong ones are a search for names. */
export const smtp: Dialect = {
  protocol: 'smtp',
  service: 'ESMTP',
  commands: byName([ehlo, helo, ...common]),
  repliesByRecipient: false,
  bareLineEnds: 'refuse',
  completesHeader: false,
  mostErrors: 50,
};

/** From people of the office (RFC 6409). */
export const submission: Dialect = {
  ...smtp,
  protocol: 'submission',
  commands: byName([ehlo, helo, auth, ...common]),
  completesHeader: true,
};

/** From a trusted neighbour (RFC 2033), which may well send a thousand recipients that we don't know. */
export const lmtp: Dialect = {
  protocol: 'lmtp',
  service: 'LMTP',
  commands: byName([lhlo, ...common]),
  repliesByRecipient: true,
  bareLineEnds: 'mend',
  completesHeader: false,
  mostErrors: 10_000,
};

function byName(commands: readonly SmtpCommand[]): ReadonlyMap<string, SmtpCommand> {
  return new Map(commands.map((command) => [command.name, command]));
}
