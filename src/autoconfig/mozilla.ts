/**
 * Mozilla's autoconfig, config-v1.1.xml, which Thunderbird, Evolution, K-9 Mail, KMail and others ask for before anybody has signed in.
 * It tells of a domain, never of an address. Pure.
 */
import type { MailAccount, MailServer } from './account.ts';
import { type XmlContent, xmlDocument } from './xml.ts';

const A_HUNDRED_YEARS = 36_500; // in days
const TYPES = { tls: 'SSL', starttls: 'STARTTLS' } as const;

/** The file for a domain, with the placeholder for the address that the program knows. */
export function mozillaConfig(domain: string, account: MailAccount): string {
  const { incoming, outgoing, organisation } = account;
  return xmlDocument({
    clientConfig: {
      '@version': '1.1',
      emailProvider: {
        '@id': domain,
        domain,
        displayName: organisation,
        displayShortName: organisation,
        incomingServer: incoming.map((one) => ({ ...server(one), ...(one.type === 'pop3' ? pop3(account) : {}) })),
        outgoingServer: outgoing.map(server),
      },
    },
  });
}

function server({ type, host, port, security }: MailServer): { readonly [name: string]: XmlContent } {
  return {
    '@type': type,
    hostname: host,
    port,
    socketType: TYPES[security],
    username: '%EMAILADDRESS%',
    authentication: 'password-cleartext', // in TLS, which both kinds of socket are
  };
}

function pop3({ leaveOnServer }: MailAccount): { readonly [name: string]: XmlContent } {
  // Thunderbird deletes what it has left on the server after 14 days, unless it is told another number.
  const days = leaveOnServer ? { daysToLeaveMessagesOnServer: A_HUNDRED_YEARS } : {};
  return { pop3: { leaveMessagesOnServer: leaveOnServer, ...days, downloadOnBiff: true } };
}
