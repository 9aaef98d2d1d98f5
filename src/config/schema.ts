/**
 * Every setting, with its default and its explanation. The sample file (docs/rainmail.sample.toml) is made from this, so
 * a description says what the setting does and when to change it, in sentences.
 */
import { z } from 'zod';
import { acme } from './acme.ts';
import { checks, strangers } from './checks.ts';
import { LANGUAGES } from './languages.ts';
import { ldap } from './ldap.ts';
import { parseLetGo } from './let-go.ts';
import { mtaSts } from './mta-sts.ts';
import { openid } from './openid.ts';
import { dns, outbound, routes } from './outbound.ts';
import { SERVICES, type Service } from './services.ts';
import { trace } from './trace.ts';
import { address, count, duration, network, schedule, size } from './values.ts';

/** A service: off, on where the others are, or on at addresses of its own. */
const service = z.union([z.boolean(), z.array(address)], {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not true, false or a list of addresses. Write it like ["192.0.2.1", "[::1]:1143"].`,
});

function serviceSetting({ name, title, port, internal }: Service) {
  const where = internal ? ' Without addresses of its own it listens on loopback only.' : '';
  return [name, service.prefault(true).describe(`${title}, port ${port}.${where}`)] as const;
}

const services = Object.fromEntries(SERVICES.map(serviceSetting)) as Record<
  Service['name'],
  ReturnType<typeof serviceSetting>[1]
>;

const listen = z
  .strictObject({
    addresses: z
      .array(address)
      .prefault(['*'])
      .describe('Addresses the services listen on that have none of their own. "*" is every address of the machine.'),
    offset: z
      .number()
      .int()
      .min(0)
      .max(50_000)
      .prefault(0)
      .describe(
        'Added to every standard port, so that an ordinary user can run the server: 10000 makes IMAP 10143. The option --port-offset goes before it.',
      ),
    ...services,
  })
  .prefault({})
  .describe(
    'Where the server listens. A service is true (on), false (off), or a list of addresses, each with a port of its own if it needs one: imap = ["192.0.2.1", "[::1]:1143"].',
  );

const tls = z
  .strictObject({
    certificate: z
      .string()
      .prefault('')
      .describe('PEM file with the certificate and its chain. Empty: a self-signed one is made in the data directory.'),
    key: z
      .string()
      .prefault('')
      .describe('PEM file with the private key. Both files are read again when they change, and on SIGHUP.'),
    more: z
      .array(z.strictObject({ certificate: z.string().min(1), key: z.string().min(1) }))
      .max(1_000)
      .prefault([])
      .describe(
        'Certificates for further domains, each with its key: more = [{ certificate = "/etc/ssl/com.pem", key = "/etc/ssl/com.key" }]. A client gets the one with the name it asks for, by its names and wildcards; the one above when there is none.',
      ),
  })
  .refine(({ certificate, key }) => (certificate === '') === (key === ''), {
    message: 'needs both certificate and key, or neither',
  })
  .refine(({ certificate, more }) => certificate !== '' || more.length === 0, {
    message: 'needs a certificate and key of its own before there can be more',
  })
  .prefault({})
  .describe('The certificates that clients see. Those that ACME brings (below) are found by their names as well.');

/** How clients reach a service from outside. */
const reached = z
  .union([z.boolean(), z.number().int().min(1).max(65_535)], {
    error: ({ input }) => `${JSON.stringify(input)} is not true, false or a port. Write it like 993.`,
  })
  .prefault(true);

const clients = z
  .strictObject({
    host: z
      .string()
      .regex(/^$|^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
        error: 'is not a host name. Write it like "mail.example.org".',
      })
      .prefault('')
      .describe(
        'Name under which mail programs reach this server. The certificate must have it. Empty: the name of this server.',
      ),
    organisation: z
      .string()
      .max(100)
      .prefault('')
      .describe('What the account is called in mail programs, such as "Example Ltd". Empty: the name of the server.'),
    imaps: reached.describe(
      'How mail programs reach IMAP with TLS: true is the port it listens on, a number is the port as seen from outside (where a router or proxy stands between), false is not told to them.',
    ),
    imap: reached.describe('The same for IMAP with STARTTLS.'),
    pop3s: reached.describe('The same for POP3 with TLS.'),
    pop3: reached.describe('The same for POP3 with STLS.'),
    submissions: reached.describe('The same for sending mail with TLS.'),
    submission: reached.describe('The same for sending mail with STARTTLS.'),
    https: reached.describe('The same for HTTPS.'),
  })
  .prefault({})
  .describe('What mail programs are told when they set themselves up.');

const limits = z
  .strictObject({
    message: size.prefault('50MB').describe('The largest message taken in, over any protocol.'),
    command: size
      .prefault('64KB')
      .describe(
        'The largest IMAP command with its literals, messages apart. SMTP and POP3 have the limits of their RFCs.',
      ),
    rate: count
      .prefault(200_000)
      .describe('Commands a connection may give in ten seconds. A client that gives more waits for the next ten.'),
    connections: count
      .prefault(20_000)
      .describe(
        'Connections in all. Seven tenths are for mail programs, two for servers that bring mail, one for browsers: none takes those of the others.',
      ),
    connectionsByAddress: count
      .prefault(200)
      .describe('Connections from one address (IPv6: one /64) that have not signed in yet.'),
    connectionsByAccount: count.prefault(100).describe('Connections of one account after sign-in.'),
    recipientsByHour: count
      .prefault(500)
      .describe(
        'Recipients at other servers that one account may send to in an hour. It is far above what people send, and below what a thief of a password wants to.',
      ),
    recipientsByDay: count.prefault(2_000).describe('The same for a day.'),
    forwardedByHour: count
      .prefault(1_000)
      .describe(
        'Copies that go on to other servers in an hour from one address: an account that forwards its mail, an alias or a group that leads elsewhere. When there are more, senders are asked to try later.',
      ),
    recipients: count
      .min(100) // RFC 5321 4.5.3.1.8
      .prefault(1_000)
      .describe('Recipients of one message; a sender brings it again for those beyond.'),
  })
  .prefault({})
  .describe('Bounds that keep one client from taking what belongs to all.');

const timeouts = z
  .strictObject({
    // RFC 9051 5.4: at least 30 minutes. RFC 1939 3: at least 10 minutes. RFC 5321 4.5.3.2.7: at least 5 minutes.
    imap: duration.prefault('30m').describe('An IMAP connection without a sign of life is ended after this time.'),
    pop3: duration.prefault('10m').describe('The same for POP3.'),
    smtp: duration.prefault('5m').describe('The same for SMTP, submission and LMTP.'),
    shutdown: duration.prefault('10s').describe('How long open connections may go on when the server is asked to end.'),
  })
  .prefault({})
  .describe('How long the server waits.');

const letGo = z.string().transform((text, context) => {
  const rule = parseLetGo(text);
  if (rule !== undefined) return rule;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is none of: "keep", "remove", "folder:NAME", or a time in days such as "30d".`,
  });
  return z.NEVER;
});

const store = z
  .strictObject({
    segment: size.prefault('64MB').describe('Size of the files that hold the bodies of messages.'),
    reserve: size
      .prefault('256MB')
      .describe(
        'When the disk has less free space than this, mail is refused for now (senders try again) and reading goes on.',
      ),
    retention: duration
      .prefault('14d')
      .describe('How long a deleted message can be brought back by the administrator.'),
    retained: size
      .prefault('1GB')
      .describe('The most that deleted messages of one account may take; the oldest go first.'),
    audit: duration.prefault('400d').describe('How long it is kept who changed what (rainmail audit list).'),
    checkpoint: size
      .prefault('32MB')
      .describe(
        'Changes go to a log first. When it has grown to this they are written into the database. A larger log means less writing, and a longer start after a crash.',
      ),
    housekeeping: duration
      .prefault('5m')
      .describe('How often the server removes what is no longer kept, and gives its disk space back.'),
  })
  .prefault({})
  .describe('How mail is kept.');

const backup = z
  .strictObject({
    repository: z
      .string()
      .prefault('')
      .describe(
        'Folder for the backups, on another disk than the mail. It is made, with a key, when there is none yet: print the key with "rainmail backup key" and keep it on paper. Empty: the folder that "rainmail backup init" was given, if any.',
      ),
    schedule: schedule
      .prefault('23:00')
      .describe(
        'When a backup is made: "23:00" is every night, "sun 03:00" every week, "off" never. One that was missed is made at the next start.',
      ),
    keepDaily: count.prefault(7).describe('Backups kept: the newest of each of so many days that have one.'),
    keepWeekly: z.number().int().min(0).prefault(5).describe('And of so many weeks.'),
    keepMonthly: z.number().int().min(0).prefault(12).describe('And of so many months.'),
    alarmAfter: duration
      .prefault('36h')
      .describe('When the last good backup is older than this, the metrics, the health page and the log say so.'),
    testRestore: schedule
      .prefault('sun 04:00')
      .describe(
        'When the newest backup is restored into a scratch folder of the data directory, checked, and removed again; needs as much free room as the mail takes, else a part is checked.',
      ),
  })
  .prefault({})
  .describe('Backups that the server makes by itself.');

export const schema = z.strictObject({
  name: z
    .string()
    .regex(/^$|^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
      error: 'is not a host name. Write it like "mail.example.org".',
    })
    .prefault('')
    .describe(
      'Name of this server as others see it, in greetings, trace lines and the self-signed certificate. Empty: the host name of the machine.',
    ),
  data: z
    .string()
    .min(1)
    .prefault('data')
    .describe(
      'Directory of mail, accounts and certificates. A relative one starts at the folder of this file. The option --data goes before it.',
    ),
  language: z
    .enum(LANGUAGES)
    .prefault('en')
    .describe(
      'Language in which the server tells people what became of their mail: en, de, fr, es, nl or it. The access policy sets another for a domain, a group or an account.',
    ),
  listen,
  tls,
  acme,
  mtaSts,
  clients,
  limits,
  timeouts,
  lmtp: z
    .strictObject({
      networks: z
        .array(network)
        .prefault(['127.0.0.0/8', '::1'])
        .describe('Networks that may hand over mail by LMTP. Nobody signs in there: name only your own mail servers.'),
    })
    .prefault({})
    .describe('Mail handed over by a mail server that stands in front of this one.'),
  pop3: z
    .strictObject({
      folders: z
        .array(z.string().min(1))
        .min(1)
        .max(20)
        .prefault(['INBOX'])
        .describe('The folders that POP3 shows, one after the other.'),
      seenByRetr: z
        .boolean()
        .prefault(false)
        .describe('A message that was retrieved is marked as read, for IMAP and webmail.'),
      letGo: letGo
        .prefault('keep')
        .describe(
          'What becomes of a message that a POP3 device deletes. "keep": it is hidden from that device and stays for the others and for IMAP. "remove": it leaves the mailbox when every POP3 device of the person has deleted it. "folder:NAME": then it goes to that folder. "30d": it leaves so many days after every device has had it. Where a person has one password for everything, and no device of their own, deleting always deletes.',
        ),
      silent: duration
        .prefault('30d')
        .describe('A device that has not asked for mail for so long does not keep messages from leaving any more.'),
      loginDelay: duration
        .prefault('0s')
        .describe('The least time between two sign-ins of one account over POP3. 0s: none.'),
    })
    .prefault({})
    .describe('What POP3 shows, and when what its devices delete leaves the server.'),
  delivery: z
    .strictObject({
      detailFolders: z
        .boolean()
        .prefault(false)
        .describe(
          'Mail for anna+lists@ goes to the folder "lists" of anna@, if she has one. Off: it goes to her INBOX, as all other mail.',
        ),
    })
    .prefault({})
    .describe('Mail that arrives for the people of the office.'),
  submission: z
    .strictObject({
      fileSent: z
        .boolean()
        .prefault(true)
        .describe(
          'What people send is filed in their Sent folder by the server. A mail client that files a copy of its own has that one instead: never two.',
        ),
      hold: duration
        .prefault('60d')
        .describe(
          'How long people may have what they send wait before it leaves, where their mail program can do that. 0s: not at all.',
        ),
    })
    .prefault({})
    .describe('Mail that the people of the office send.'),
  openid,
  proxy: z
    .strictObject({
      networks: z
        .array(network)
        .prefault([])
        .describe(
          'Load balancers that send the PROXY protocol (v1 or v2). From these networks every connection must begin with it.',
        ),
    })
    .prefault({})
    .describe('Proxies in front of this server that say who the client is.'),
  log: z
    .strictObject({
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])
        .prefault('info')
        .describe('What is written to standard error, as JSON lines. Never the content of mail, never a password.'),
    })
    .prefault({})
    .describe('The log.'),
  store,
  trace,
  backup,
  ldap,
  dns,
  outbound,
  routes,
  checks,
  strangers,
});

/** The configuration as the server uses it: sizes in bytes, durations in milliseconds. */
export type Config = z.output<typeof schema>;

/** Every setting at its default. */
export function defaults(): Config {
  return schema.parse({});
}

/** The certificate files of the administrator, the main one first; none: self-signed or from ACME. */
export function certificateFiles(tls: Config['tls']): { readonly certificate: string; readonly key: string }[] {
  const { certificate, key, more } = tls;
  return certificate === '' ? [] : [{ certificate, key }, ...more];
}
