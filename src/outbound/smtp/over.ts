import type { Reply } from './syntax/reply-reader.ts';

/** The connection is over: by the network, by time, by the peer, or by us. The message says why, for people. */
export class ConnectionOver extends Error {
  override readonly name = 'ConnectionOver';
  /** What the peer said as it went: 421 (RFC 5321 3.8). */
  readonly reply: Reply | undefined;
  /** Of node:net and node:tls. */
  readonly code: string | undefined;

  constructor(why: string, { reply, code }: { readonly reply?: Reply; readonly code?: string | undefined } = {}) {
    super(why);
    this.reply = reply;
    this.code = code;
  }
}

/** What the network says, for who has to set it right; its own words stay, for those who search for them. */
export function overBy({ message, code }: NodeJS.ErrnoException): ConnectionOver {
  const words = WORDS[code ?? ''];
  return new ConnectionOver(words === undefined ? message : `${words} (${message})`, { code });
}

/** By the codes of the system. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no mail server listens there',
  ECONNRESET: 'it has broken the connection off',
  EPIPE: 'it has broken the connection off',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to its network',
  EADDRNOTAVAIL: 'this machine does not have the address that mail is to leave from: outbound.localAddresses',
  EACCES: 'this machine lets no mail out: a firewall of its own',
  EPERM: 'this machine lets no mail out: a firewall of its own',
};
