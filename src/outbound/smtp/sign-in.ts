/** Signing in at another server (RFC 4954), with a name and a password: only where the connection is protected, which its caller sees to. */
import type { SmtpConnection } from './connection.ts';
import type { Extensions } from './syntax/extensions.ts';
import type { Reply } from './syntax/reply-reader.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What asks for the next response (RFC 4954 4). */
const GO_ON = 334;
/** RFC 4954 4, RFC 5321 4.5.3.1.4: a command that is longer leaves its initial response for later. */
const LONGEST_COMMAND = 510;

/**
 * @returns what the server said in the end: a code below 300 when we are in; undefined when it knows no way to sign in that we know
 * @throws ConnectionOver
 */
export async function signIn(
  connection: SmtpConnection,
  { user, password }: Credentials,
  offered: Extensions,
): Promise<Reply | undefined> {
  const { mechanisms } = offered;
  if (mechanisms.has('PLAIN')) {
    const response = base64(`\0${user}\0${password}`); // RFC 4616 2
    const command = `AUTH PLAIN ${response}`;
    if (command.length <= LONGEST_COMMAND) return connection.say(command);
    return respond(connection, 'AUTH PLAIN', [response]);
  }
  // Here the server speaks first, so that there is no initial response: asked for its name, then for the password, whatever words it has for them.
  if (mechanisms.has('LOGIN')) return respond(connection, 'AUTH LOGIN', [base64(user), base64(password)]);
  return undefined;
}

async function respond(connection: SmtpConnection, command: string, responses: readonly string[]): Promise<Reply> {
  let reply = await connection.say(command);
  for (const response of responses) {
    if (reply.code !== GO_ON) return reply;
    reply = await connection.say(response);
  }
  return reply;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
