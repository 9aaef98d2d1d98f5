/**
 * Whom people are shown as the sender of a message: it is what they ask for it by, and newsletters, lists and what was forwarded come with another address in
 * the envelope. Pure.
 */
import { addressesIn } from '../message/envelope-text.ts';

/** A stranger may write as many as he likes; those of honest mail are one or two. */
const MOST_AUTHORS = 3;
/** RFC 5321 4.5.3.1: a local part of 64 and a domain of 255. */
const LONGEST = 320;

/** The addresses in From that are not the envelope's sender. @param envelope  of the message, in IMAP syntax */
export function authorsBeside(envelope: string, sender: string): readonly string[] {
  const own = sender.toLowerCase();
  return addressesIn(envelope, 'from')
    .filter((address) => address !== own && address.length <= LONGEST)
    .slice(0, MOST_AUTHORS);
}
