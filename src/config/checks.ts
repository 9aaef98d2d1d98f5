/** The sections [checks] and [strangers]: what is found out about mail that comes in from other servers, what is done about it, and how much they may bring. */
import { z } from 'zod';
import { count, durationLike, network } from './values.ts';

const duration = durationLike('"2s" or "500ms"');

const domain = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, {
  error: ({ input }) => `"${input}" is not a domain. Write it like "example.org".`,
});

/** No sender waits longer for a greeting than five minutes (RFC 5321 4.5.3.2.1); an office should not need a tenth of it. */
const LONGEST_GREETING_DELAY = 30_000;

/** The section [strangers]. */
export const strangers = z
  .strictObject({
    connectionsAMinute: count.prefault(300).describe('Connections a minute from one address (IPv6: one /64).'),
    messagesByAddress: count.prefault(3_000).describe('Messages an hour from one address.'),
    messagesByNetwork: count
      .prefault(20_000)
      .describe('Messages an hour from the network around an address (IPv4: /24, IPv6: /48).'),
    messagesBySender: count
      .prefault(3_000)
      .describe(
        'Messages an hour that name the same sender and come from the same network. Reports, which name none, are not counted.',
      ),
    messagesForRecipient: count.prefault(2_000).describe('Messages an hour for one recipient.'),
    recipientsByAddress: count.prefault(10_000).describe('Recipients an hour that one address brings mail for.'),
    unknownRecipients: count
      .min(20)
      .prefault(100)
      .describe(
        'Addresses an hour that nobody has here and that one address asks for. After ten it waits longer and longer for each answer; after these it is sent away.',
      ),
  })
  .prefault({})
  .describe(
    'Servers that bring mail over SMTP and are not in checks.trusted. Who brings more is asked to come later, so nothing is lost. No office meets these bounds.',
  );

export const checks = z
  .strictObject({
    trusted: z
      .array(network)
      .prefault(['127.0.0.0/8', '::1'])
      .describe(
        'Networks whose mail is taken over SMTP without checks, limits and delays: your own servers, a filter or a second MX in front of this one, printers and programs in the office. Name no network from which strangers come: a router or a container that hides the addresses of others makes everybody a friend.',
      ),
    spf: z
      .enum(['mark', 'obey', 'off'])
      .prefault('mark')
      .describe(
        'SPF: may this address send for this domain? "mark": the answer is written into the message, and counts for DMARC. "obey": where the domain says a clear no (-all), and DMARC does not say otherwise, the message is refused. This hits honest mail that was forwarded. "off": it is not asked.',
      ),
    dmarc: z
      .enum(['obey', 'mark', 'off'])
      .prefault('obey')
      .describe(
        'DMARC: is the address in From that of the real sender? "obey": what fails is refused, filed in Junk or taken, as the owner of that domain asks. "mark": the answer is only written into the message. "off": it is not asked.',
      ),
    sealers: z
      .array(domain)
      .max(100)
      .prefault([])
      .describe(
        'Domains of mailing lists and forwarders whose ARC seals are believed: what fails DMARC here and passed it there is taken. Name those that you know.',
      ),
    unsure: z
      .enum(['accept', 'put off'])
      .prefault('accept')
      .describe(
        'What becomes of mail when the DNS can not say just now whether DMARC or SPF would refuse it. "put off": the sender tries again later.',
      ),
    greetingDelay: duration
      .refine((time) => time <= LONGEST_GREETING_DELAY, { error: 'is longer than "30s": senders would go away.' })
      .prefault('2s')
      .describe(
        'How long a server that connects waits for the greeting. Programs that send junk often do not wait, and are turned away for it. 0s: no wait.',
      ),
  })
  .prefault({})
  .describe('Mail from other servers: what is found out about its sender, and what is done about it.');
