/** The end of a transaction: the message goes to the delivery pipeline, and its replies to the client. */
import { randomUUID } from 'node:crypto';
import type { Envelope, Outcome } from '../delivery/types.ts';
import { isExpected } from '../errors.ts';
import type { StagedMessage } from '../store/types.ts';
import { Intake } from './intake.ts';
import { mailDate } from './mail-date.ts';
import { receivedLine } from './received-line.ts';
import { type Malformed, type Reply, reply, replyText } from './reply.ts';
import type { SmtpSession } from './session.ts';
import { forgedResults, HIDDEN_FIELDS, RETURN_PATH } from './syntax/dropped-fields.ts';
import type { FieldRule } from './syntax/field-filter.ts';
import type { HeaderScan } from './syntax/header-scan.ts';
import type { Transaction } from './transaction.ts';

/** Begins to take the transaction's message in. */
export function newIntake(session: SmtpSession, transaction: Transaction): Intake {
  const { context, dialect } = session;
  transaction.intake = new Intake(context.store, {
    limit: context.limits.messageBytes,
    bareLineEnds: dialect.bareLineEnds,
    drops: droppedFields(session),
    trace: receivedLine(session, transaction),
    missingFields: dialect.completesHeader
      ? (header) => missingFields(header, context.hostname, transaction.sender)
      : () => '',
  });
  return transaction.intake;
}

/** A trusted client, a filter in front of this server perhaps, may say what it found: its results stay. */
function droppedFields({ context, dialect, visitor }: SmtpSession): readonly FieldRule[] {
  if (dialect.completesHeader) return [...HIDDEN_FIELDS, RETURN_PATH, forgedResults(context.hostname)];
  return visitor === null ? [] : [forgedResults(context.hostname)];
}

/** RFC 6409 8.1, 8.2; and From, which RFC 5322 3.6 demands: scanners and programs forget it. One character a byte. */
function missingFields(header: HeaderScan, hostname: string, sender: string): string {
  const date = header.hasDate ? '' : `Date: ${mailDate()}\r\n`;
  const id = header.hasMessageId ? '' : `Message-ID: <${randomUUID()}@${hostname}>\r\n`;
  const from = header.hasFrom || sender === '' ? '' : `From: <${Buffer.from(sender).toString('latin1')}>\r\n`;
  return `${date}${id}${from}`;
}

/** The message is whole: files it and ends the transaction. @returns the reply, or by LMTP one for each recipient */
export async function deliver(session: SmtpSession, transaction: Transaction, intake: Intake): Promise<Reply> {
  session.transaction = null;
  const byRecipient = session.dialect.repliesByRecipient; // RFC 2033 4.2
  let outcomes: readonly Outcome[];
  try {
    const message = await taken(session, transaction, intake);
    const { deliveredTo, fromList, importance, waivesTls } = intake.header;
    // RFC 8689 4.1: who wants TLS all the way does not waive it.
    const waived = waivesTls && !transaction.options.requireTls;
    const options = { ...transaction.options, ...(waived && { waiveTls: true as const }) };
    const envelope = { ...envelopeOf(session, transaction), options, deliveredTo, fromList, importance };
    outcomes = await session.context.delivery.deliver(envelope, message);
  } catch (error) {
    const answer = session.replyTo(error, MALFORMED);
    return byRecipient ? answer.repeat(transaction.recipients.length) : answer;
  }
  session.errors = 0;
  session.broughtAt = performance.now();
  session.visitor?.brought(transaction.recipients.filter((_, at) => outcomes[at]?.ok).map(({ address }) => address));
  const done = reply(250, '2.0.0', `${takenAs(session, transaction)} ${transaction.id}`);
  const replies = outcomes.map((outcome) => (outcome.ok ? done : reply(outcome.reply, outcome.status, outcome.text)));
  return byRecipient ? replies.join('') : (replies.find((answer) => answer !== done) ?? done);
}

/** People's mail may still have a way to go; that from servers is where it was to be. */
function takenAs({ dialect }: SmtpSession, { holdUntil }: Transaction): string {
  if (holdUntil !== undefined) return `Waits until ${new Date(holdUntil * 1_000).toISOString()} as`;
  return dialect.protocol === 'submission' ? 'Taken as' : 'Delivered as';
}

const MALFORMED: Malformed = [554, '5.6.0'];

/** @throws what is wrong with the message, which is in the trace then */
async function taken(session: SmtpSession, transaction: Transaction, intake: Intake): Promise<StagedMessage> {
  try {
    return await intake.finish();
  } catch (error) {
    if (isExpected(error)) {
      const answer = replyText(session.replyTo(error, MALFORMED));
      session.context.delivery.refused(envelopeOf(session, transaction), answer);
    }
    throw error;
  }
}

/** What is known of a message by its transaction. */
export function envelopeOf(session: SmtpSession, transaction: Transaction): Envelope {
  const { sender, recipients, refused, declaredBytes, id, options, holdUntil } = transaction;
  const { connection, dialect, helo, signedIn, fileSent } = session;
  return {
    protocol: dialect.protocol,
    remoteAddress: connection.remoteAddress,
    helo,
    sender,
    recipients,
    ...(refused.length > 0 && { refused }),
    id,
    tls: connection.tls?.getProtocol() ?? null,
    options,
    ...(holdUntil !== undefined && { holdUntil }),
    ...(signedIn !== null && { signedIn, fileSent }),
    ...(declaredBytes !== undefined && { declaredBytes }),
  };
}
