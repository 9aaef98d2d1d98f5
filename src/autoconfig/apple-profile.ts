/**
 * Apple's configuration profile (.mobileconfig) for iPhone, iPad and Mac: one mail account, with everything but what the person types. Pure.
 *
 * Its ids are derived from server, address and protocol, so that a profile that is installed again replaces the one before.
 */
import { createHash } from 'node:crypto';
import type { MailAccount, MailServer } from './account.ts';
import { type PlistValue, plist } from './plist.ts';

export interface ProfilePerson {
  /** With which to sign in, and which mail is sent from. */
  readonly address: string;
  readonly displayName: string;
  /** An app password for this device. Absent: the device asks for one. */
  readonly password?: string;
}

const SUBMISSION = 587;

/** Namespace of the ids. Never change it: profiles that are installed would not be replaced any more. */
const NAMESPACE = 'rainmail mail profile';

/**
 * The profile, not signed yet.
 * @returns null when the person has nothing that a mail program could be set up for: no protocol to fetch mail with
 */
export function appleProfile(person: ProfilePerson, account: MailAccount): string | null {
  const [incoming] = account.incoming; // the preferred protocol: a profile sets up one
  if (incoming === undefined) return null;
  const { address } = person;
  const about = `${incoming.host} ${address} ${incoming.type}`;
  const identifier = `${incoming.host.split('.').reverse().join('.')}.mail.${uuid(about)}`;
  const profile = uuid(`profile ${about}`);
  return plist({
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: profile,
    PayloadDisplayName: `${account.organisation}: ${address}`,
    PayloadDescription: `Mail of ${address} at ${account.organisation}`,
    PayloadOrganization: account.organisation,
    PayloadRemovalDisallowed: false,
    PayloadContent: [
      {
        PayloadType: 'com.apple.mail.managed',
        PayloadVersion: 1,
        PayloadIdentifier: `${identifier}.account`,
        PayloadUUID: uuid(`account ${about}`),
        PayloadDisplayName: account.organisation,
        EmailAccountType: incoming.type === 'pop3' ? 'EmailTypePOP' : 'EmailTypeIMAP',
        EmailAccountDescription: account.organisation,
        ...(person.displayName === '' ? {} : { EmailAccountName: person.displayName }),
        EmailAddress: address,
        ...server('Incoming', incoming, person),
        // Apple asks for one even where somebody may not send: then this server refuses to.
        ...server('Outgoing', account.outgoing[0] ?? { ...incoming, port: SUBMISSION }, person),
        OutgoingPasswordSameAsIncomingPassword: true,
        SMIMEEnabled: false,
      },
    ],
  });
}

function server(
  which: 'Incoming' | 'Outgoing',
  { host, port }: MailServer,
  { address, password }: ProfilePerson,
): Record<string, PlistValue> {
  return {
    [`${which}MailServerAuthentication`]: 'EmailAuthPassword',
    [`${which}MailServerHostName`]: host,
    [`${which}MailServerPortNumber`]: port,
    [`${which}MailServerUseSSL`]: true, // by the port: TLS from the first byte, or STARTTLS
    [`${which}MailServerUsername`]: address,
    ...(password === undefined ? {} : { [`${which}Password`]: password }),
  };
}

/** A UUID of version 8 (RFC 9562 5.8), from the digest of a name. */
function uuid(name: string): string {
  const digest = createHash('sha256').update(`${NAMESPACE}\0${name}`).digest().subarray(0, 16);
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex').toUpperCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
