/** What we can, as data: the name, where it shows, and the RFC that defines it. */
import type { ImapSession } from './session.ts';

interface Capability {
  readonly name: string;
  readonly rfc: string;
  /** In which part of the session it is of use; both when absent. */
  readonly when?: 'before sign-in' | 'after sign-in';
}

const CAPABILITIES: readonly Capability[] = [
  { name: 'IMAP4rev1', rfc: 'RFC 3501' },
  { name: 'IMAP4rev2', rfc: 'RFC 9051' },
  { name: 'ENABLE', rfc: 'RFC 5161' },
  { name: 'ID', rfc: 'RFC 2971' },
  { name: 'LITERAL+', rfc: 'RFC 7888' },
  { name: 'SASL-IR', rfc: 'RFC 4959', when: 'before sign-in' },
  { name: 'IDLE', rfc: 'RFC 2177', when: 'after sign-in' },
  { name: 'NAMESPACE', rfc: 'RFC 2342', when: 'after sign-in' },
  { name: 'CHILDREN', rfc: 'RFC 3348', when: 'after sign-in' },
  { name: 'UIDPLUS', rfc: 'RFC 4315', when: 'after sign-in' },
  { name: 'UNSELECT', rfc: 'RFC 3691', when: 'after sign-in' },
  { name: 'MOVE', rfc: 'RFC 6851', when: 'after sign-in' },
  { name: 'SPECIAL-USE', rfc: 'RFC 6154', when: 'after sign-in' },
  { name: 'CREATE-SPECIAL-USE', rfc: 'RFC 6154', when: 'after sign-in' },
  { name: 'CONDSTORE', rfc: 'RFC 7162', when: 'after sign-in' },
  { name: 'ESEARCH', rfc: 'RFC 4731', when: 'after sign-in' },
  { name: 'SEARCHRES', rfc: 'RFC 5182', when: 'after sign-in' },
  { name: 'LIST-EXTENDED', rfc: 'RFC 5258', when: 'after sign-in' },
  { name: 'LIST-STATUS', rfc: 'RFC 5819', when: 'after sign-in' },
  { name: 'STATUS=SIZE', rfc: 'RFC 8438', when: 'after sign-in' },
  { name: 'WITHIN', rfc: 'RFC 5032', when: 'after sign-in' },
  { name: 'OBJECTID', rfc: 'RFC 8474', when: 'after sign-in' },
  { name: 'BINARY', rfc: 'RFC 3516', when: 'after sign-in' },
  { name: 'MULTIAPPEND', rfc: 'RFC 3502', when: 'after sign-in' },
];

const names = (without: Capability['when']) =>
  CAPABILITIES.filter(({ when }) => when !== without)
    .map(({ name }) => name)
    .join(' ');

const BEFORE_SIGN_IN = names('after sign-in');
const AFTER_SIGN_IN = names('before sign-in');

/** The capabilities that a session has now, separated by spaces, for CAPABILITY and the response code of that name. */
export function capabilities(session: ImapSession): string {
  const { connection, context } = session;
  if (session.account !== null) return `${AFTER_SIGN_IN} APPENDLIMIT=${context.limits.appendBytes}`; // RFC 7889
  const { peer } = session;
  let text = BEFORE_SIGN_IN;
  if (!connection.secure && context.startTls) text += ' STARTTLS'; // RFC 9051 6.2.1
  if (!peer.mayUsePassword) text += ' LOGINDISABLED'; // RFC 9051 6.2.3
  for (const mechanism of context.authenticator.mechanisms(peer)) text += ` AUTH=${mechanism}`;
  return text;
}
