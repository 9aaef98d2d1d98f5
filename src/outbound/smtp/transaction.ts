/**
 * Giving a server one message (RFC 5321 3.3).
 *
 * Invariants
 * - The bytes of a message follow 354 alone: to a server that said anything else they would be commands.
 * - The dot that ends it follows its last byte alone. A message that can't be read to its end, or is answered before its end, leaves without one,
 *   and the connection with it.
 * - What the server has not said is never taken for granted; and once it is out of step, nothing that it has said is known to be about what it seems.
 */
import { DotStuffer } from '../../message/dot-stuffer.ts';
import { noteBuffer } from '../../passing-buffers.ts';
import type { SmtpConnection } from './connection.ts';
import { ConnectionOver } from './over.ts';
import { hundreds, isDone, isRefusal, type Reply } from './syntax/reply-reader.ts';

/** The commands of a transaction, up to DATA. */
export interface Envelope {
  readonly mail: string;
  /** At least one. */
  readonly recipients: readonly string[];
}

/** What became of a message. */
export interface Given {
  /** One for each recipient: what was said of that one alone, a refusal; undefined: {@link said} holds for it, too. */
  readonly refused: readonly (Reply | undefined)[];
  /** Of all others: the last word of the server, or why there is none. */
  readonly said: Reply | ConnectionOver;
}

/** What asks for the message (RFC 5321 4.3.2). */
const GO_ON = 354;
/** Bytes that are collected for one write: a usual message leaves as a whole, with its dot. */
const TOGETHER = 65_536;

/**
 * Gives the message.
 * @param open  opens its bytes, lines ended by CRLF, in buffers that nobody writes to any more; called when they are wanted
 * @throws what reading it throws: the connection is over then
 */
export async function give(
  connection: SmtpConnection,
  envelope: Envelope,
  pipelining: boolean,
  open: () => AsyncIterable<Buffer>,
): Promise<Given> {
  const count = envelope.recipients.length;
  /** To MAIL, to each RCPT, to DATA, and to the message. */
  const answers: Reply[] = [];
  try {
    if (pipelining) await connection.ask([envelope.mail, ...envelope.recipients, 'DATA'], answers);
    else await askOneByOne(connection, envelope, answers);
    const [sender, ...others] = answers as [Reply, ...Reply[]];
    const data = others[count];
    const asked = data?.code === GO_ON;
    if (!asked && data !== undefined && !isRefusal(data)) throw new OutOfStep();
    if ([sender, ...others.slice(0, count)].some(isQuestion)) throw new OutOfStep();
    // It refuses the sender, and wants the message: for whom, with an empty one from nobody?
    if (asked && isRefusal(sender)) connection.close();
    else if (asked) {
      // RFC 2920 3.1: who wants a message when there is nobody to have it gets an empty one.
      const isWanted = others.slice(0, count).some(isDone);
      await send(connection, isWanted ? open() : [], answers);
    }
    return verdict(answers, count);
  } catch (error) {
    connection.close();
    if (!(error instanceof ConnectionOver)) throw error;
    // Who was asked for all of it at once, and has left out some answers, may have left out the first.
    const isKnown = !(error instanceof OutOfStep) && (!pipelining || answers.length >= count + 2);
    return verdict(isKnown ? answers : [], count, error);
  }
}

async function askOneByOne(connection: SmtpConnection, envelope: Envelope, answers: Reply[]): Promise<void> {
  await connection.ask([envelope.mail], answers);
  if (!isDone(answers[0]!)) return;
  for (const recipient of envelope.recipients) await connection.ask([recipient], answers);
  if (answers.slice(1).some(isDone)) await connection.ask(['DATA'], answers);
}

/** Sends the message and hears what is said of it: the last of the answers. A refusal may come at any time. */
async function send(
  connection: SmtpConnection,
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  answers: Reply[],
): Promise<void> {
  const before = answers.length;
  connection.expect(1, answers);
  const whole = await write(connection, body, () => answers.length > before);
  if (whole) await connection.heard();
  const answer = answers[before]!;
  if (isQuestion(answer) || (!whole && !isRefusal(answer))) throw new OutOfStep();
  if (!whole) connection.close();
}

/** @returns false when it was answered before its end, which then was not sent */
async function write(
  connection: SmtpConnection,
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  isAnswered: () => boolean,
): Promise<boolean> {
  const stuffer = new DotStuffer(true);
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const framed = stuffer.push(chunk);
    if (framed !== chunk) noteBuffer(framed.length);
    pieces.push(framed);
    bytes += framed.length;
    if (bytes < TOGETHER) continue;
    if (isAnswered() || !(await connection.write(joined(pieces)))) return false;
    pieces = [];
    bytes = 0;
  }
  pieces.push(stuffer.finish());
  return !isAnswered() && connection.write(joined(pieces));
}

function joined(pieces: readonly Buffer[]): Buffer {
  if (pieces.length === 1) return pieces[0]!;
  const whole = Buffer.concat(pieces);
  noteBuffer(whole.length);
  return whole;
}

/** What the answers mean for each recipient. @param over  there are no more of them */
function verdict(answers: readonly Reply[], count: number, over?: ConnectionOver): Given {
  const [sender, ...others] = answers;
  const recipients = Array.from({ length: count }, (_, at) => others[at]);
  if (sender !== undefined && isRefusal(sender)) return { refused: recipients.fill(undefined), said: sender };
  const refused = recipients.map((answer) => (answer !== undefined && isRefusal(answer) ? answer : undefined));
  return { refused, said: over ?? answers.at(-1)! };
}

/** It wants to hear more, where there is no more to say. */
function isQuestion({ code }: Reply): boolean {
  return hundreds(code) === 3;
}

/** An answer that can't be one to what was asked. */
class OutOfStep extends ConnectionOver {
  constructor() {
    super('its answers are out of step');
  }
}
