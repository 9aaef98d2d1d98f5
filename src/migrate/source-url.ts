/** Where mail comes from, as an administrator writes it: `imap://anna@old.example`. Pure. */
import { BadCommand } from '../errors.ts';

export interface SourceUrl {
  readonly protocol: 'imap' | 'pop3';
  readonly security: 'tls' | 'starttls';
  readonly host: string;
  readonly port: number;
  /** Absent where a list of people names them. */
  readonly user?: string;
}

const SCHEMES = {
  imap: { protocol: 'imap', security: 'starttls', port: 143 },
  imaps: { protocol: 'imap', security: 'tls', port: 993 },
  pop3: { protocol: 'pop3', security: 'starttls', port: 110 },
  pop3s: { protocol: 'pop3', security: 'tls', port: 995 },
} as const;

const URL = /^(imaps?|pop3s?):\/\/(?:(.+)@)?(\[[0-9a-f:.]+\]|[^@:/[\]]+)(?::(\d{1,5}))?\/?$/i;

/**
 * The user may hold `@` as it is, and anything else percent-encoded. A password is refused: other users of the machine could see it.
 * @throws BadCommand
 */
export function parseSourceUrl(text: string): SourceUrl {
  const [, scheme, user, host, port] = URL.exec(text) ?? [];
  if (scheme === undefined) {
    throw new BadCommand(
      'say where the mail is like imap://anna@old.example: imaps, imap, pop3s or pop3, with :PORT if need be',
    );
  }
  if (user?.includes(':')) throw new BadCommand('no password in the address: it is asked for, or see --password-file');
  const { protocol, security, port: standard } = SCHEMES[scheme.toLowerCase() as keyof typeof SCHEMES];
  const number = port === undefined ? standard : Number(port);
  if (number < 1 || number > 65_535) throw new BadCommand(`${port} is no port`);
  return {
    protocol,
    security,
    host: host!.replace(/^\[|\]$/g, '').toLowerCase(),
    port: number,
    ...(user === undefined ? {} : { user: decoded(user) }),
  };
}

function decoded(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user; // a % that encodes nothing is itself
  }
}
