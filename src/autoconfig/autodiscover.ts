/**
 * Outlook's autodiscover: what it asks (POX, [MS-OXDSCLI]) and what it is told of an account. Pure.
 *
 * Invariant: of what a client sends, nothing is expanded or looked up: no document type, no entities but XML's own five, bounded depth and size.
 */
import type { XMLParser } from 'fast-xml-parser';
import { BadCommand } from '../errors.ts';
import { libraries } from '../libraries.ts';
import type { MailAccount, MailServer } from './account.ts';
import { type XmlContent, xmlDocument } from './xml.ts';

const RESPONSE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

const DEEPEST = 20;

/** Made with the first request. */
let parser: XMLParser | undefined;

export interface AutodiscoverRequest {
  /** As it was written; empty: the request names none. */
  readonly address: string;
  /** False: it asks for what is not told here, such as ActiveSync's servers. */
  readonly forMail: boolean;
}

/** Reads a request. @throws BadCommand when it is none */
export function readAutodiscoverRequest(text: string): AutodiscoverRequest {
  const request = requestIn(text);
  if (request === null) throw new BadCommand('this is not an autodiscover request');
  const { EMailAddress: address = '', AcceptableResponseSchema: schema = OUTLOOK } = request;
  if (typeof address !== 'string' || typeof schema !== 'string') {
    throw new BadCommand('an autodiscover request names one address and one schema');
  }
  return { address: address.trim(), forMail: schema.trim() === OUTLOOK };
}

function requestIn(text: string): Record<string, unknown> | null {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return null; // what could declare entities, wherever it stands
  const { XMLParser, XMLValidator } = libraries.xml;
  if (XMLValidator.validate(text) !== true) return null;
  parser ??= new XMLParser({ removeNSPrefix: true, parseTagValue: false, maxNestedTags: DEEPEST });
  try {
    const { Autodiscover: root } = parser.parse(text) as { Autodiscover?: { Request?: unknown } };
    const request = typeof root === 'object' && root !== null ? root.Request : undefined;
    return typeof request === 'object' && request !== null ? (request as Record<string, unknown>) : null;
  } catch {
    return null; // too deep, or a name that the parser takes for an attack
  }
}

/** How Outlook calls the servers. */
const TYPES = { imap: 'IMAP', pop3: 'POP3', smtp: 'SMTP' } as const;

export interface AutodiscoverPerson {
  readonly displayName: string;
  /** With which to sign in. */
  readonly userName: string;
}

/** The settings of somebody who has signed in. Outlook takes the first server of the first protocol. */
export function autodiscoverAnswer({ displayName, userName }: AutodiscoverPerson, account: MailAccount): string {
  const servers = firstOfEach([...account.incoming, ...account.outgoing]);
  return answer({
    '@xmlns': OUTLOOK,
    ...(displayName === '' ? {} : { User: { DisplayName: displayName } }),
    Account: {
      AccountType: 'email',
      Action: 'settings',
      Protocol: servers.map((server) => protocol(server, userName)),
    },
  });
}

/** Codes of [MS-OXDSCLI] 2.2.4.1.1.2: what was asked for is not served here. */
const NO_PROVIDER = 601;

/** The answer to a request for something else than the settings of mail programs. @param at  hours to seconds, as the schema has them */
export function autodiscoverRefusal(at: string): string {
  return answer({
    Error: {
      '@Time': at,
      '@Id': '1',
      ErrorCode: NO_PROVIDER,
      Message: 'This server tells the settings for IMAP, POP3 and SMTP only.',
      DebugData: '',
    },
  });
}

function answer(response: XmlContent): string {
  return xmlDocument({ Autodiscover: { '@xmlns': RESPONSE, Response: response } });
}

/** In the order of the schema. */
function protocol({ type, host, port, security }: MailServer, userName: string): XmlContent {
  return {
    Type: TYPES[type],
    Server: host,
    Port: port,
    DomainRequired: 'off',
    LoginName: userName,
    SPA: 'off',
    SSL: 'on',
    AuthRequired: 'on',
    Encryption: security === 'tls' ? 'SSL' : 'TLS', // TLS is what it calls STARTTLS; goes before SSL
    ...(type === 'smtp' ? { UsePOPAuth: 'on', SMTPLast: 'off' } : {}),
  };
}

/** Outlook wants one of each type. */
function firstOfEach(servers: readonly MailServer[]): MailServer[] {
  return servers.filter(({ type }, index) => servers.findIndex((other) => other.type === type) === index);
}

/** Where the JSON form (v2) sends the protocols that are served; null for any other. */
export function autodiscoverPointer(protocol: string, url: string): { Protocol: string; Url: string } | null {
  return protocol.toLowerCase() === 'autodiscoverv1' ? { Protocol: 'AutodiscoverV1', Url: url } : null;
}
