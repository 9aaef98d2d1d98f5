/** The section [mtaSts]: what other servers are told of TLS on the way to this one. */
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { parseDuration } from './units.ts';

/** RFC 8461 3.2: about a year. */
const LONGEST_MS = 31_557_600_000;

/** A host, or `*.` and a domain for all right below it, as RFC 8461 4.1 matches them. */
const mailHost = z.string().transform((text, context) => {
  const [, below = '', name = ''] = /^(\*\.)?(.*)$/.exec(text) ?? [];
  const ascii = domainToASCII(name).toLowerCase();
  if (/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/.test(ascii)) return `${below}${ascii}`;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a host name. Write it like "mail.example.org", or "*.example.org" for all hosts right below it.`,
  });
  return z.NEVER;
});

const maxAge = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds >= 1_000 && milliseconds <= LONGEST_MS) return milliseconds;
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration of up to a year. Write it like "7d".` });
  return z.NEVER;
});

export const mtaSts = z
  .strictObject({
    mode: z
      .enum(['off', 'none', 'testing', 'enforce'])
      .prefault('testing')
      .describe(
        'Other servers read at https://mta-sts.DOMAIN/.well-known/mta-sts.txt whether mail for a domain must come encrypted. "testing": they report what would go wrong, and deliver; "enforce": they don\'t deliver then; "none": they forget what they were told before; "off": nothing is there. It concerns only domains whose DNS has the records that rainmail dns records prints.',
      ),
    mx: z
      .array(mailHost)
      .max(50)
      .prefault([])
      .describe(
        'Hosts that the MX records of the domains name: ["mail.example.org", "backup.example.net"]. Empty: this server alone.',
      ),
    maxAge: maxAge
      .prefault('7d')
      .describe(
        'How long other servers keep to it without asking again. Some weeks are good once "enforce" has proved itself.',
      ),
  })
  .prefault({})
  .describe('That mail for our domains comes encrypted: see the page on the DNS in the guide.');
