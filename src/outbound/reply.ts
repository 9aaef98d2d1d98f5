/** What a peer has said, or the network has done, as a reply that can be told of. Pure. */
import { isUtf8 } from 'node:buffer';
import { ConnectionOver } from './smtp/over.ts';
import { isRefusal, type Reply } from './smtp/syntax/reply-reader.ts';

/** What a peer, or the network, has to say of something. */
export interface PeerReply {
  /** SMTP's three digits; those of the network's own faults are 4xx. */
  readonly reply: number;
  /** RFC 3463; empty: none was given. */
  readonly status: string;
  readonly text: string;
  /** A server has said it, in these words; absent: this one says it, of what it met. */
  readonly theirs?: true;
}

const MOST_TEXT = 512;

/** RFC 5321 4.2, RFC 2034 4: digits, an enhanced code if there is one, and words. */
export function replyIn({ code, lines }: Reply): PeerReply {
  const status = /^([245]\.\d{1,3}\.\d{1,3})\b/.exec(lines[0] ?? '')?.[1] ?? '';
  const texts = lines.map((line) =>
    (status !== '' && line.startsWith(status) ? line.slice(status.length) : line).trim(),
  );
  return { reply: code, status, text: short(readable(texts.join(' '))), theirs: true };
}

/**
 * What the peer said; or what the network did, which is a reason to try again. A failure is never a good reply, whatever the peer said when.
 * @param status  of what the network did
 */
export function troubleIn(what: Reply | ConnectionOver, status: string): PeerReply {
  const reply = what instanceof ConnectionOver ? what.reply : what;
  if (reply !== undefined && isRefusal(reply)) return replyIn(reply);
  const text = what instanceof ConnectionOver ? what.message : `it answers with ${what.code} ${replyIn(what).text}`;
  return { reply: 451, status, text: short(text) };
}

/** A host that turns us away now may take mail tomorrow: only what it says of a message is the last word on it. */
export function forNow(said: PeerReply): PeerReply {
  if (said.reply < 500) return said;
  return { ...said, reply: 451, status: said.status.replace(/^5/, '4'), text: lineOf(said) };
}

/** In one line, as it was given: `450 4.2.1 greylisted`. */
export function lineOf({ reply, status, text, theirs }: PeerReply): string {
  if (theirs === true && REFUSED_FOR_NOW.test(text)) return text; // which is all of what they said
  return [reply, status, text].filter((each) => each !== '').join(' ');
}

const REFUSED_FOR_NOW = /^5\d\d(?: |$)/;

/** What TLS came to. Whatever the peer said of it was not protected, so it is never the last word. */
export function tlsTrouble(what: Reply | ConnectionOver): PeerReply {
  const { text } = troubleIn(what, '4.7.10');
  if (what instanceof ConnectionOver && NOT_TRUSTED.test(what.code ?? '')) {
    return { reply: 454, status: '4.7.5', text: short(`its certificate is not trusted: ${text}`) };
  }
  return { reply: 454, status: '4.7.10', text: short(`TLS could not be turned on: ${text}`) };
}

/** Codes of node:tls (X509 certificate error codes). */
const NOT_TRUSTED =
  /^(CERT|CRL|UNABLE|DEPTH|SELF|HOSTNAME|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERROR_IN)_?|^ERR_TLS_CERT_ALTNAME_INVALID$/;

/** The password is ours to set right: mail waits for that. @param reply  undefined: it knows no way in that we know */
export function signInTrouble(reply: Reply | undefined): PeerReply {
  const text = reply === undefined ? 'it offers neither PLAIN nor LOGIN' : troubleIn(reply, '').text;
  return { reply: 454, status: '4.7.8', text: short(`it does not let us sign in: ${text}`) };
}

/** RFC 5321 4.2.1 has nothing but ASCII; servers write UTF-8, or whatever they have. */
function readable(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : text;
}

/** In one line that can be shown: peers say anything. */
function short(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT);
}
