/** SASL over the lines of SMTP (RFC 4954 4), POP3 (RFC 5034 4) and IMAP (RFC 9051 6.2.2): Base64, one message a line. */
import { BadCommand } from '../errors.ts';
import type { LineConnection } from '../net/connection-types.ts';
import type { SaslExchange, SignedIn } from './types.ts';

/** What the exchange needs of a session. */
export interface SaslLines {
  readonly connection: Pick<LineConnection, 'write'>;
  readLine(): Buffer | null | Promise<Buffer | null>;
}

/**
 * Carries an exchange to its end.
 *
 * @param initial the initial response as it stood in the command; `=` is an empty one (RFC 4954 4, RFC 5034 4)
 * @param prompt  what stands before a challenge: `334 ` or `+ `
 * @returns null when the connection ended meanwhile
 * @throws BadCommand  the client gave up with `*`, or its response is not Base64
 * @throws Refused     as {@link SaslExchange.respond}
 */
export async function runSasl(
  exchange: SaslExchange,
  initial: string | undefined,
  prompt: '334 ' | '+ ',
  lines: SaslLines,
): Promise<SignedIn | null> {
  let response: Buffer | null = initial === undefined ? null : initial === '=' ? Buffer.alloc(0) : decoded(initial);
  for (;;) {
    const step = await exchange.respond(response);
    if (step.done && step.data === null) return step.signedIn;
    // Neither protocol carries data with success, so it goes as a last challenge, answered by an empty line (RFC 4422 5).
    const challenge = step.done ? step.data! : step.challenge;
    lines.connection.write(`${prompt}${challenge.toString('base64')}\r\n`);
    const line = await lines.readLine();
    if (line === null) return null;
    const text = line.toString('latin1');
    if (text === '*') throw new BadCommand('Signing in was given up');
    response = decoded(text);
    if (!step.done) continue;
    if (response.length > 0) throw new BadCommand('An empty response was expected');
    return step.signedIn;
  }
}

/** @throws BadCommand for what is not Base64 (RFC 4648 4) */
function decoded(text: string): Buffer {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new BadCommand('That is not Base64');
  return Buffer.from(text, 'base64');
}
