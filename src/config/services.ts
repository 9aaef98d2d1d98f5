/** The services a Rainmail office offers, with their standard ports (`--port-offset N` is added to each). */
export interface Service {
  readonly name: ServiceName;
  readonly protocol: 'imap' | 'pop3' | 'smtp' | 'submission' | 'lmtp' | 'http' | 'health';
  readonly port: number;
  /** TLS from the first byte; else it begins in plain text and STARTTLS is offered. */
  readonly implicitTls: boolean;
  /** Listens on loopback unless the configuration names addresses: nobody signs in there. */
  readonly internal: boolean;
  readonly title: string;
}

const SERVICE_NAMES = [
  'imap',
  'imaps',
  'pop3',
  'pop3s',
  'smtp',
  'submission',
  'submissions',
  'lmtp',
  'http',
  'https',
  'health',
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

const open = { implicitTls: false, internal: false } as const;
const tls = { implicitTls: true, internal: false } as const;
const internal = { implicitTls: false, internal: true } as const;

export const SERVICES: readonly Service[] = [
  { name: 'imap', protocol: 'imap', port: 143, ...open, title: 'IMAP (STARTTLS)' },
  { name: 'imaps', protocol: 'imap', port: 993, ...tls, title: 'IMAP with TLS' },
  { name: 'pop3', protocol: 'pop3', port: 110, ...open, title: 'POP3 (STLS)' },
  { name: 'pop3s', protocol: 'pop3', port: 995, ...tls, title: 'POP3 with TLS' },
  { name: 'smtp', protocol: 'smtp', port: 25, ...open, title: 'SMTP: mail from other servers' },
  {
    name: 'submission',
    protocol: 'submission',
    port: 587,
    ...open,
    title: 'mail from the people of the office (STARTTLS)',
  },
  {
    name: 'submissions',
    protocol: 'submission',
    port: 465,
    ...tls,
    title: 'mail from the people of the office, with TLS',
  },
  { name: 'lmtp', protocol: 'lmtp', port: 24, ...internal, title: 'LMTP: mail handed over by a mail server of yours' },
  {
    name: 'http',
    protocol: 'http',
    port: 80,
    ...open,
    title: 'HTTP: set-up of mail programs, checks of certificate authorities, and the way to HTTPS',
  },
  { name: 'https', protocol: 'http', port: 443, ...tls, title: 'HTTPS: set-up of mail programs, pages for people' },
  { name: 'health', protocol: 'health', port: 9025, ...internal, title: 'health page and metrics (HTTP)' },
];
