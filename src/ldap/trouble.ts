/** What goes wrong between here and an LDAP server, sorted: for those who wait, for the log, and for `rainmail ldap check`. */
import { ResultCodeError } from 'ldapts';
import { Refused } from '../errors.ts';

/** The directory can't be asked now. The message says why and what to do; nothing of it is for people who sign in. */
export class LdapUnavailable extends Refused {
  constructor(text: string, options?: ErrorOptions) {
    super('ldap.unavailable', text, options);
  }
}

/** Result codes (RFC 4511 A.2) of a bind that mean: this name and this password are not right, or may not sign in. All others are troubles. */
const NOT_RIGHT: ReadonlySet<number> = new Set([
  19, // constraintViolation: locked by a password policy
  32, // noSuchObject
  34, // invalidDNSyntax
  48, // inappropriateAuthentication: the entry has no password
  49, // invalidCredentials
  50, // insufficientAccessRights
  53, // unwillingToPerform: disabled, or the password has expired
]);

export function isNotRight(error: unknown): boolean {
  return error instanceof ResultCodeError && NOT_RIGHT.has(error.code);
}

/** True when the server answered, so that the connection is as good as before. */
export function isAnswer(error: unknown): error is ResultCodeError {
  return error instanceof ResultCodeError;
}

/** What a server answers instead of an answer is a trouble for whoever waits, too. */
export function asUnavailable(error: unknown): LdapUnavailable {
  return error instanceof LdapUnavailable ? error : new LdapUnavailable(describe(error), { cause: error });
}

/** What to do, by the code of an error of sockets and TLS, or by the result code of LDAP. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is the LDAP server running, and is the port right?',
  ENOTFOUND: 'there is no such host: is the name in ldap.urls right?',
  EAI_AGAIN: 'the name could not be looked up: does DNS work?',
  ETIMEDOUT: 'it does not answer: is a firewall in between, or is the server stuck?',
  ECONNRESET: 'the server closed the connection: does it speak TLS on this port?',
  EPROTO: 'there is no TLS on this port: ldaps:// is port 636 as a rule, ldap:// begins TLS by StartTLS.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'the certificate is signed by an authority that is not trusted here: name its file in ldap.ca.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed: name its file in ldap.ca.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the authority that signed the certificate is not known here: name its file in ldap.ca.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the authority that signed the certificate is not known here: name its file in ldap.ca.',
  CERT_SIGNATURE_FAILURE: 'the certificate was signed by another authority than that in ldap.ca.',
  CERT_HAS_EXPIRED: 'the certificate has expired.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name: use the name that it has in ldap.urls.',
  '2': 'the server does not take the request: is StartTLS switched on there?',
  '4': 'the server gives only so many entries: raise its size limit for the account in ldap.bind.',
  '8': 'the server wants a stronger sign-in: use ldaps://, or leave ldap.startTls on.',
  '13': 'the server wants TLS: use ldaps://, or leave ldap.startTls on.',
  '32': 'there is no such entry: is ldap.base right?',
  '34': 'ldap.bind or ldap.base is not a DN.',
  '48': 'the account in ldap.bind has no password, or the server takes nobody without a name.',
  '49': 'the server does not take ldap.bind with the password in ldap.passwordFile.',
  '50': 'the account in ldap.bind may not read there.',
  '52': 'the server is not available.',
};

/** One sentence of what failed, and one of what to do where that is known. Never holds a password. */
export function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const advice = typeof code === 'string' || typeof code === 'number' ? ADVICE[String(code)] : undefined;
  const said = typeof message === 'string' ? message.replace(/\s+/g, ' ').slice(0, 300) : String(error);
  return advice === undefined ? said : `${advice} (${said})`;
}
