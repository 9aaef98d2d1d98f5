/** The sections [dns] and [outbound], and the list [[routes]]: how mail leaves for other servers. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { parseAddress } from './units.ts';
import { durationLike } from './values.ts';

/** Where DNS servers, and other domains' mail servers, listen. */
const DNS_PORT = 53;
const SMTP_PORT = 25;
/** Where providers take mail from their customers (RFC 6409 3.1). */
const SUBMISSION_PORT = 587;

const DAY_HOURS = 24;

const duration = durationLike('"30m", "4h" or "5d"');

const dnsServer = z.string().transform((text, context) => {
  const { host, port = DNS_PORT } = parseAddress(text) ?? { host: '' };
  if (isIP(host) !== 0) return { host, port };
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not the address of a DNS server. Write it like "192.0.2.53" or "[::1]:5353".`,
  });
  return z.NEVER;
});

const port = z.number().int().min(1).max(65_535);

/** A domain, `*.example.org` for all below one, or `*` for all; in ASCII, lower case. */
const domainPattern = z.string().transform((text, context) => {
  const [, below = '', name = ''] = /^(\*\.)?(.*)$/.exec(text) ?? [];
  const ascii = text === '*' ? '*' : domainToASCII(name).toLowerCase();
  if (ascii === '*' || /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/.test(ascii)) {
    return `${below}${ascii}`;
  }
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a domain. Write it like "example.org", "*.example.org" for all below it, or "*" for all others.`,
  });
  return z.NEVER;
});

export const dns = z
  .strictObject({
    servers: z
      .array(dnsServer)
      .max(10)
      .prefault([])
      .describe(
        'DNS servers, asked in this order: ["192.0.2.53", "[::1]:5353"]. Empty: those that the machine asks (/etc/resolv.conf).',
      ),
    validating: z
      .boolean()
      .prefault(false)
      .describe(
        'True: these servers check DNSSEC signatures, and nobody between them and this machine can change what they say. Then DANE says which certificates other servers must have. Best is a validating resolver on this machine, such as Unbound.',
      ),
  })
  .prefault({})
  .describe('Where this server asks for the names of other servers.');

export const outbound = z
  .strictObject({
    enabled: z
      .boolean()
      .prefault(true)
      .describe(
        'What the people of the office send to other domains leaves. False: it is refused when they send it. A trial office never sends to other servers.',
      ),
    localAddresses: z
      .array(z.string().refine((text) => isIP(text) !== 0, { error: 'is not an IP address of this machine.' }))
      .max(2)
      .refine((list) => new Set(list.map((text) => isIP(text))).size === list.length, {
        error: 'has two addresses of one kind: name at most one IPv4 and one IPv6 address.',
      })
      .prefault([])
      .describe(
        'Addresses of this machine that mail leaves from, one IPv4 and one IPv6 at most: those that have a name in the DNS (PTR). With one of them alone, nothing is sent over the other kind. Empty: as the machine chooses.',
      ),
    port: port.prefault(SMTP_PORT).describe('Where the servers of other domains listen: 25, but in a test network.'),
    connections: z.number().int().min(1).max(1_000).prefault(50).describe('Connections to other servers at a time.'),
    byDestination: z
      .number()
      .int()
      .min(1)
      .max(100)
      .prefault(5)
      .describe('Of these, to one domain or route. Large providers turn away who opens many.'),
    giveUp: duration
      .prefault('5d')
      .describe(
        'How long a message is tried (RFC 5321 advises 4 to 5 days). Then its sender gets a report that it failed.',
      ),
    warnAfter: duration
      .prefault('4h')
      .describe('When a message has not left for so long, its sender gets a report, once. 0s: never.'),
    alarmAbove: z
      .number()
      .int()
      .min(1)
      .prefault(1_000)
      .describe('When more messages than this wait in the queue, the metrics, the health page and the log say so.'),
    alarmAfter: duration
      .prefault('1d')
      .describe(
        'And when mail that should have left has waited for so long: without what is held, and what people send for later. One address that is never reached is enough, so less than "12h" is an alarm for what often mends itself. 0s: never.',
      ),
  })
  .refine(({ giveUp }) => giveUp >= DAY_HOURS * 3_600_000, {
    path: ['giveUp'],
    message: 'must be at least "1d": servers are away for hours, and then take mail again.',
  })
  .prefault({})
  .describe('Mail that leaves for other servers.');

const route = z
  .strictObject({
    domains: z.array(domainPattern).min(1).max(1_000),
    host: z.string().regex(/^[A-Za-z0-9._-]+$|^[0-9a-fA-F:]+$/, {
      error: ({ input }) => `"${input}" is not a host. Write it like "smtp.example.net".`,
    }),
    port: port.prefault(SUBMISSION_PORT),
    tls: z.enum(['opportunistic', 'required', 'verified', 'implicit']).prefault('verified'),
    user: z.string().prefault(''),
    passwordFile: z.string().prefault(''),
  })
  .refine(({ user, passwordFile }) => (user === '') === (passwordFile === ''), {
    message: 'needs both user and passwordFile, or neither',
  })
  .refine(({ user, tls }) => user === '' || tls !== 'opportunistic', {
    path: ['tls'],
    message: 'must be "verified", "implicit" or "required" where there is a user: a password never goes in the clear.',
  });

/** Mail waits for a server and its port: with two ways to one, the second would silently be as the first. */
const WAY = ['tls', 'user', 'passwordFile'] as const;

export const routes = z
  .array(route)
  .max(1_000)
  .superRefine((list, context) => {
    for (const [at, one] of list.entries()) {
      const first = list.find(({ host, port }) => host === one.host && port === one.port)!;
      for (const setting of WAY.filter((each) => one[each] !== first[each])) {
        const message = `differs from the section before for ${one.host}:${one.port}. One server is used in one way: put its domains into one section.`;
        context.addIssue({ code: 'custom', path: [at, setting], message });
      }
    }
  })
  .prefault([])
  .describe(
    'Servers that take the mail for some domains, or for all, instead of those that the DNS names; your provider, for instance. Each has a section: [[routes]], then domains = ["*"] (or ["example.org", "*.example.org"]; the nearest name goes before), host = "smtp.provider.example", port = 587, tls = "verified" (its certificate must be valid for the host; "implicit": the same with TLS from the first byte, port 465; "required": any certificate; "opportunistic": TLS if it can be), and user and passwordFile (a file with the password) if one signs in there.',
  );
