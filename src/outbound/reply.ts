/** What a peer has said, or the network has done, as a reply that can be told of. Pure. */

/** What a peer, or the network, has to say of something. */
export interface PeerReply {
  /** SMTP's three digits; those of the network's own faults are 4xx. */
  readonly reply: number;
  /** RFC 3463; empty: none was given. */
  readonly status: string;
  readonly text: string;
}

const MOST_TEXT = 512;

/** By recipient. @param errors  as nodemailer gives them */
export function refusals(errors: readonly unknown[] = []): Map<string, PeerReply> {
  return new Map(errors.map((error) => [(error as { recipient?: string }).recipient ?? '', saidBy(error, '4.5.0')]));
}

/** The peer itself has said it. */
export function hasReply(error: unknown): boolean {
  return typeof (error as { responseCode?: unknown }).responseCode === 'number';
}

/** What the peer said; or what the network did, which is a reason to try again. A failure is never a good reply, whatever the peer said when. */
export function saidBy(error: unknown, status: string): PeerReply {
  const { response, code, message } = error as { response?: string; code?: string; message: string };
  if (response !== undefined && /^[45]\d\d/.test(response)) return replyIn(response, 451);
  // What the peer can't do will not be otherwise in an hour.
  if (code === 'EREQUIRETLS') return { reply: 550, status: '5.7.30', text: short(message) };
  if (code === 'EMESSAGE' && /larger than allowed/.test(message))
    return { reply: 552, status: '5.3.4', text: short(message) };
  return { reply: 451, status, text: short(message) };
}

/** A host that turns us away now may take mail tomorrow: only what it says of a message is the last word on it. */
export function forNow(said: PeerReply): PeerReply {
  if (said.reply < 500) return said;
  const text = [said.reply, said.status, said.text].filter((each) => each !== '').join(' ');
  return { reply: 451, status: said.status.replace(/^5/, '4'), text };
}

/** What TLS came to. Whatever the peer said of it was not protected, so it is never the last word. */
export function tlsTrouble(error: unknown): PeerReply {
  const { message } = error as { message: string };
  if (isAboutCertificate(error)) {
    return { reply: 454, status: '4.7.5', text: short(`its certificate is not trusted: ${message}`) };
  }
  return { reply: 454, status: '4.7.10', text: short(`TLS could not be turned on: ${message}`) };
}

export function isAboutCertificate(error: unknown): boolean {
  return NOT_TRUSTED.test((error as { originalCode?: string }).originalCode ?? '');
}

/** Codes of node:tls (X509 certificate error codes). */
const NOT_TRUSTED =
  /^(CERT|CRL|UNABLE|DEPTH|SELF|HOSTNAME|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|ERROR_IN)_?|^ERR_TLS_CERT_ALTNAME_INVALID$/;

/** The password is ours to set right: mail waits for that. */
export function signInTrouble(error: unknown): PeerReply {
  return { reply: 454, status: '4.7.8', text: short(`it does not let us sign in: ${saidBy(error, '4.7.8').text}`) };
}

/** RFC 5321 4.1.1.1: what the answer to EHLO offers; undefined: it is none. */
export function keywordsIn(response: string | false): ReadonlySet<string> | undefined {
  if (response === false || !response.startsWith('250')) return undefined;
  const [, ...lines] = response.split(/\r?\n/);
  return new Set(lines.map((line) => /^250[ -]([A-Za-z0-9-]+)/.exec(line)?.[1]?.toUpperCase() ?? ''));
}

/** RFC 5321 4.2, RFC 2034 4: digits, an enhanced code if there is one, and words. */
export function replyIn(response: string, otherwise: number): PeerReply {
  const lines = response.split(/\r?\n/).map((line) => line.replace(/^\d{3}[ -]?/, ''));
  const status = /^([245]\.\d{1,3}\.\d{1,3})\b/.exec(lines[0] ?? '')?.[1] ?? '';
  const text = lines.map((line) =>
    (status !== '' && line.startsWith(status) ? line.slice(status.length) : line).trim(),
  );
  return { reply: Number(/^\d{3}/.exec(response)?.[0] ?? otherwise), status, text: short(text.join(' ')) };
}

/** In one line that can be shown: peers say anything. */
function short(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT);
}
