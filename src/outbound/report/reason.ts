/** Why mail could not be delivered, in the terms in which people are told (languages/). Pure. */
import type { PeerReply } from '../peer.ts';

export type Reason =
  | 'unknownAddress'
  | 'moved'
  | 'noSuchDomain'
  | 'takesNoMail'
  | 'senderRefused'
  | 'mailboxClosed'
  | 'mailboxFull'
  | 'oneMailboxFull'
  | 'tooLarge'
  | 'serverTrouble'
  | 'notReached'
  | 'loop'
  | 'content'
  | 'noInternational'
  | 'spam'
  | 'notAuthentic'
  | 'notAllowed'
  | 'needsTls'
  | 'tooMuch'
  | 'removed'
  | 'ownTrouble'
  | 'refused'
  | 'later';

/** By subject and detail of the enhanced status code: RFC 3463 3, RFC 5248 and the registry it began, RFC 7372, RFC 7505. */
const BY_DETAIL: Readonly<Record<string, Reason>> = {
  '1.0': 'unknownAddress',
  '1.1': 'unknownAddress',
  '1.2': 'noSuchDomain',
  '1.3': 'unknownAddress',
  '1.6': 'moved',
  '1.7': 'senderRefused',
  '1.8': 'senderRefused',
  '1.10': 'takesNoMail',
  '2.1': 'mailboxClosed',
  '2.2': 'mailboxFull',
  '2.3': 'tooLarge',
  '3.4': 'tooLarge',
  '4.4': 'noSuchDomain',
  '4.6': 'loop',
  '6.7': 'noInternational',
  '6.10': 'noInternational',
  '7.5': 'needsTls',
  '7.10': 'needsTls',
  '7.27': 'senderRefused',
  '7.28': 'tooMuch',
  '7.29': 'notAuthentic',
  '7.30': 'needsTls',
};
/** What this server says itself, of itself. */
const OWN: Readonly<Record<string, Reason>> = {
  '4.3.0': 'ownTrouble',
  '4.3.5': 'ownTrouble',
  '4.7.8': 'ownTrouble',
  '5.7.0': 'removed',
};
const BY_SUBJECT: Readonly<Record<string, Reason>> = { '3': 'serverTrouble', '4': 'notReached', '6': 'content' };

/** Of servers that give no enhanced code (RFC 5321 4.2.3, RFC 7504). */
const BY_REPLY: Readonly<Record<number, Reason>> = {
  452: 'mailboxFull',
  521: 'takesNoMail',
  551: 'moved',
  552: 'mailboxFull',
  553: 'unknownAddress',
  556: 'takesNoMail',
};

/** Refusals for spam have no code of their own: servers say it in words. */
const SPAM = /\b(?:spam|junk|bulk mail|unsolicited|black ?list|block ?list|blocked|reputation|dnsbl|rbl)/i;
/** X.7.20 to X.7.26: DKIM, SPF, reverse DNS (RFC 7372). */
const AUTHENTICATION = /^7\.2[0-6]$/;

/** What people are told of a reply. @param ours  this server says it itself */
export function reasonOf({ reply, status, text }: PeerReply, ours: boolean): Reason {
  const detail = status.slice(2);
  const known = (ours ? OWN[status] : undefined) ?? BY_DETAIL[detail];
  if (known !== undefined) return known;
  if (AUTHENTICATION.test(detail)) return 'notAuthentic';
  const aboutPolicy = detail.startsWith('7.') || detail === '' || detail === '0.0';
  if (aboutPolicy && SPAM.test(text)) return 'spam';
  if (detail.startsWith('7.') && reply >= 500) return 'notAllowed';
  return BY_SUBJECT[detail.split('.')[0]!] ?? BY_REPLY[reply] ?? (reply >= 500 ? 'refused' : 'later');
}
