/**
 * The DNS records of a domain: where its mail goes, and where mail programs find their servers. Pure.
 *
 * Invariant: nothing is published that isn't so. What is not served, or open to nobody in the domain, is told as that (RFC 6186 3.4); what
 * depends on things that this server can't know is a comment.
 */
import type { MailAccess } from './account.ts';
import type { ReachablePort, ReachableServices } from './services.ts';

export interface DnsRecord {
  /** Below the domain: `_imaps._tcp`; `@` is the domain itself. */
  readonly name: string;
  readonly type: 'MX' | 'TXT' | 'SRV' | 'CNAME';
  /** As in a zone file; host names end in a dot. */
  readonly value: string;
}

/** Records that belong together, with what they are for. */
export interface DnsPurpose {
  readonly purpose: string;
  readonly records: readonly DnsRecord[];
}

export interface DnsFacts {
  /** In A-labels. */
  readonly domain: string;
  readonly services: ReachableServices;
  /** Of the people of the domain who are in no group. */
  readonly access: MailAccess;
  /** Mail from other servers comes to this one, at the port where they knock. */
  readonly takesMail: boolean;
  /** Somebody reads what is sent to postmaster@ the domain. */
  readonly hasPostmaster: boolean;
  /** What shows the keys that its mail is signed with. */
  readonly keys: readonly KeyRecord[];
  /** The version of the policy that is served for it (RFC 8461 3.1); null: none is. */
  readonly policyId: string | null;
}

/** The record of a key (RFC 6376 3.6.1). */
export interface KeyRecord {
  readonly selector: string;
  readonly text: string;
  /** It signs no more, and its record may go on this day (`2026-11-30`); null: it is needed. */
  readonly until: string | null;
}

/** The records for a domain, in the order in which to read them. */
export function dnsRecords(facts: DnsFacts): DnsPurpose[] {
  const { domain, services, hasPostmaster } = facts;
  const host = `${services.host}.`;
  const reports = hasPostmaster ? `; rua=mailto:postmaster@${domain}` : '';
  return [
    ...incoming(facts, host),
    {
      purpose: 'Who may send mail in the name of the domain (RFC 7208): its mail servers. Add any other that does.',
      records: [txt('@', spfOf(facts))],
    },
    ...signing(facts),
    {
      purpose:
        'What others should do with mail that only pretends to come from the domain (RFC 7489): nothing yet. Ask for more when all its mail is signed.',
      records: [txt('_dmarc', `v=DMARC1; p=none${reports}`)],
    },
    ...transport(facts, host),
    ...(hasPostmaster
      ? [
          {
            purpose: 'Where other servers report trouble with TLS when they send mail here (RFC 8460).',
            records: [txt('_smtp._tls', `v=TLSRPTv1; rua=mailto:postmaster@${domain}`)],
          },
        ]
      : []),
    {
      purpose:
        'Where mail programs find their servers (RFC 6186, RFC 8314): the lowest number first; a dot is what there is not.',
      records: mailServices(facts, host),
    },
    ...setUp(facts, host),
  ];
}

function incoming({ takesMail }: DnsFacts, host: string): DnsPurpose[] {
  if (!takesMail) return [];
  return [
    {
      purpose: 'Mail for the domain comes to this server (RFC 5321 5.1).',
      records: [{ name: '@', type: 'MX', value: `10 ${host}` }],
    },
  ];
}

/** A server that takes no mail is not among those that its MX records name. */
function spfOf({ takesMail, services }: DnsFacts): string {
  return takesMail ? 'v=spf1 mx ~all' : `v=spf1 mx a:${services.host} ~all`;
}

function signing({ keys }: DnsFacts): DnsPurpose[] {
  const recordsOf = (some: readonly KeyRecord[]) =>
    some.map(({ selector, text }) => txt(`${selector}._domainkey`, text));
  const [needed, retired] = [keys.filter(({ until }) => until === null), keys.filter(({ until }) => until !== null)];
  return [
    ...(needed.length === 0
      ? []
      : [
          {
            purpose: 'What its mail is signed with (DKIM, RFC 6376): a key signs once its record is there.',
            records: recordsOf(needed),
          },
        ]),
    ...retired.map((key) => ({
      purpose: `A key that signs no more: its record may go from ${key.until} on, when nothing it signed is on its way.`,
      records: recordsOf([key]),
    })),
  ];
}

function transport({ domain, services, policyId }: DnsFacts, host: string): DnsPurpose[] {
  if (policyId === null) return [];
  const alias: DnsRecord[] =
    services.host === `mta-sts.${domain}` ? [] : [{ name: 'mta-sts', type: 'CNAME', value: host }];
  return [
    {
      purpose:
        'Mail comes to it encrypted, or not at all (MTA-STS, RFC 8461). The certificate must have the name mta-sts; the id changes with the policy.',
      records: [txt('_mta-sts', `v=STSv1; id=${policyId}`), ...alias],
    },
  ];
}

/** RFC 6186 3.4: the priority also says which of IMAP and POP3 goes first. RFC 8314 5.1: TLS from the first byte before STARTTLS. */
function mailServices({ services, access }: DnsFacts, host: string): DnsRecord[] {
  const { imap, pop3, submission } = access.services;
  const [imapFirst, pop3First] = access.prefer === 'imap' ? [0, 20] : [20, 0];
  return [
    ...pair('imap', imap.on ? services.imap : [], imapFirst, host),
    ...pair('pop3', pop3.on ? services.pop3 : [], pop3First, host),
    ...pair('submission', submission.on ? services.submission : [], 0, host),
  ];
}

function pair(service: string, ports: readonly ReachablePort[], first: number, host: string): DnsRecord[] {
  const at = (security: ReachablePort['security'], priority: number) => {
    const port = ports.find((one) => one.security === security)?.port;
    return port === undefined ? '0 0 0 .' : `${priority} 1 ${port} ${host}`;
  };
  return [
    { name: `_${service}s._tcp`, type: 'SRV', value: at('tls', first) },
    { name: `_${service}._tcp`, type: 'SRV', value: at('starttls', first + 10) },
  ];
}

/** The names that Thunderbird and Outlook look for. */
function setUp({ domain, services }: DnsFacts, host: string): DnsPurpose[] {
  if (services.https === null) return [];
  const aliases = ['autoconfig', 'autodiscover'].filter((name) => `${name}.${domain}` !== services.host);
  const ofTheDomain = `.${services.host}`.endsWith(`.${domain}`);
  return [
    {
      purpose:
        'Where mail programs ask for their settings. The certificate must have these names, or Outlook asks whether to trust it.',
      records: [
        ...aliases.map((name): DnsRecord => ({ name, type: 'CNAME', value: host })),
        // It would make Thunderbird ask whether another domain may have the password. Outlook needs it only where it has no alias.
        ...(ofTheDomain
          ? [{ name: '_autodiscover._tcp', type: 'SRV' as const, value: `0 0 ${services.https} ${host}` }]
          : []),
      ],
    },
  ];
}

function txt(name: string, text: string): DnsRecord {
  // RFC 1035 3.3.14: strings of at most 255 bytes, which are read as one (RFC 6376 3.6.2.2).
  const parts = text.match(/.{1,255}/g) ?? [''];
  return { name, type: 'TXT', value: parts.map((part) => `"${part}"`).join(' ') };
}

/** Seconds that others may keep a record: short enough to mend a mistake the same day. */
const TTL = 3600;

/** The records as part of a zone file. @param addresses of this machine, as hints: only the administrator knows which are seen from outside */
export function zoneFile(
  facts: Pick<DnsFacts, 'domain' | 'services'>,
  purposes: readonly DnsPurpose[],
  addresses: readonly string[],
): string {
  const { domain, services } = facts;
  const width = Math.max(...purposes.flatMap(({ records }) => records.map(({ name }) => name.length)));
  const blocks = purposes.map(({ purpose, records }) =>
    [
      `; ${purpose}`,
      ...records.map(({ name, type, value }) => `${name.padEnd(width)} IN ${type.padEnd(5)} ${value}`),
    ].join('\n'),
  );
  const hints = addresses.map(
    (address) => `;   ${services.host}. IN ${address.includes(':') ? 'AAAA' : 'A'} ${address}`,
  );
  return [
    `; DNS records of ${domain}, for its zone file`,
    `$ORIGIN ${domain}.\n$TTL ${TTL}`,
    [
      `; ${services.host} needs records with its addresses as seen from outside, and each address a PTR record with this name.`,
      ...(hints.length === 0 ? [] : ['; This machine has:', ...hints]),
    ].join('\n'),
    ...blocks,
  ].join('\n\n');
}
