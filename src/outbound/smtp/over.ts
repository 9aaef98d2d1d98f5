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
