/** Arguments of APPEND, which come in pieces: each ends with the literal of a message (RFC 9051 6.3.12, RFC 3502, RFC 3516 4.4). */
import { BadCommand } from '../../errors.ts';
import { NO_FLAGS } from '../../store/flags.ts';
import { dateTime } from './dates.ts';
import { announcedLiteral } from './literal.ts';
import { CommandReader } from './reader.ts';
import type { AppendMessage, AppendRequest } from './types.ts';

/** From the command's name to the announcement of the first message. */
export function appendRequest(reader: CommandReader): AppendRequest {
  const mailbox = reader.space().mailbox();
  return { mailbox, first: appendMessage(reader) };
}

/**
 * What stands between two messages, or behind the last.
 * @param line  what follows a message's literal, up to the line's end
 * @returns the next message; null at the end of the command
 */
export function nextAppendMessage(line: string): AppendMessage | null {
  const reader = new CommandReader(line);
  if (!reader.sees(' ')) {
    reader.end();
    return null;
  }
  return /^ *$/.test(line) ? null : appendMessage(reader);
}

/**
 * True when the literal announced at the end of `text` is a message: any that does not follow the command's name, where
 * only the mailbox can stand.
 */
export function announcesMessage(text: string): boolean {
  return !/^\S+ append ~?\{\d+\+?\}$/i.test(text);
}

/** ` (\Seen) "1-Feb-1994 21:52:25 -0800" {310}`. */
function appendMessage(reader: CommandReader): AppendMessage {
  reader.space();
  let flags = NO_FLAGS;
  if (reader.sees('(')) {
    flags = reader.flagList();
    reader.space();
  }
  let received = null;
  if (reader.sees('"')) {
    received = dateTime(reader);
    reader.space();
  }
  const announcement = reader.rest();
  const literal = announcedLiteral(announcement);
  if (literal === null || !/^~?\{\d+\+?\}$/.test(announcement))
    throw new BadCommand('APPEND ends with the literal of a message');
  return { flags, received, literal };
}
