/** Names of mailboxes: what they may be, and the nearest allowed name to what others call their folders. Pure. */
import { Refused } from '../errors.ts';

/** Bounds on what a client can make us keep. */
const MAX_DEPTH = 50;
const MAX_PATH = 1_000;
const MAX_PART = 250;

const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

/** The parts of a name. @throws Refused `mailbox.forbidden` when it can't be the name of a mailbox */
export function mailboxParts(path: string): string[] {
  const parts = path.normalize('NFC').split('/');
  // RFC 9051 6.3.4: a trailing separator only declares that names will be created below.
  if (parts.length > 1 && parts.at(-1) === '') parts.pop();
  const forbidden = (why: string): Refused =>
    new Refused('mailbox.forbidden', `“${path.slice(0, 100)}” can't be a folder's name: ${why}.`);
  if (path.length > MAX_PATH || parts.length > MAX_DEPTH) throw forbidden('it is too long');
  for (const part of parts) {
    if (part === '') throw forbidden('a part of it is empty');
    if (part.search(CONTROLS) !== -1) throw forbidden('it holds control characters');
    if (part.length > MAX_PART) throw forbidden('a part of it is too long');
  }
  return withInbox(parts);
}

/** A name that a mailbox may have, as near to this one as can be; empty parts are left out. */
export function allowedPath(path: string): string {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(allowedPart);
  const deep = parts.slice(MAX_DEPTH - 1);
  const kept = deep.length === 0 ? parts : [...parts.slice(0, MAX_DEPTH - 1), deep.join('.').slice(0, MAX_PART)];
  return withInbox(kept).join('/').slice(0, MAX_PATH).toWellFormed();
}

/** The nearest allowed to one part of a name, which holds no `/` and is not empty. */
export function allowedPart(part: string): string {
  const clean = part.toWellFormed().normalize('NFC').replace(CONTROLS, '_');
  return clean.length <= MAX_PART ? clean : clean.slice(0, MAX_PART).toWellFormed();
}

/** RFC 9051 5.1: INBOX is one name, whatever its case. */
function withInbox(parts: string[]): string[] {
  if (parts[0]?.toUpperCase() === 'INBOX') parts[0] = 'INBOX';
  return parts;
}
