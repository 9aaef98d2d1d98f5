/**
 * The three kinds of error, sorted in one place (each protocol's session loop):
 *
 * - {@link BadCommand}: the client's mistake. IMAP BAD, POP3 -ERR, SMTP 5xx syntax.
 * - {@link Refused}: a wish we understand and can't grant. IMAP NO, POP3 -ERR, SMTP 4xx or 5xx.
 * - anything else: our own fault. Answered as a temporary failure, logged with its cause, counted; tests assert zero.
 */

/** The client said something its protocol does not allow; the text says what. Costs us nothing but the answer. */
export class BadCommand extends Error {
  override readonly name = 'BadCommand';
}

/** Stable codes of refusals; people may search the guide for them. */
export type RefusalCode = ProtocolCode | AdministrativeCode;

/** Those that a mail client or another server may hear of: each protocol maps them to its own response codes. */
export type ProtocolCode =
  | 'auth.failed' //            wrong name or password: says nothing of which
  | 'auth.not-allowed' //       the right password, but not for this protocol
  | 'auth.unavailable' //       sign-in can't be checked now
  | 'auth.tls-required' //      this sign-in needs TLS first
  | 'auth.mechanism' //         the mechanism can't be used for this account or connection
  | 'auth.too-soon' //          signed in again before the time between two sign-ins is over
  | 'mailbox.missing'
  | 'mailbox.exists'
  | 'mailbox.forbidden' //      a name or an action that is not allowed (INBOX deletion, reserved names)
  | 'mailbox.has-children'
  | 'mailbox.read-only'
  | 'message.gone' //           expunged, or its mailbox deleted, meanwhile
  | 'message.damaged' //        the stored bytes fail their checksum
  | 'message.too-large'
  | 'quota.exceeded'
  | 'store.full' //             disk nearly full: temporary
  | 'store.failed' //           the store stopped accepting changes after an I/O error: temporary
  | 'store.newer' //          the data directory was written by a newer program
  | 'store.locked' //           another process owns the data directory
  | 'recipient.unknown'
  | 'recipient.invalid' //     no mail can go there: what stands after the @ is no domain
  | 'recipient.closed' //       somebody has the address and takes no mail
  | 'group.posting' //          not everybody may post to this group
  | 'recipient.unavailable' //  who has the address lives in another directory, which can't be asked now: temporary
  | 'relay.forbidden'
  | 'sender.forbidden' //      somebody else's address as the sender
  | 'sending.limit' //         an account has sent to as many elsewhere as it may for now: temporary
  | 'sender.unproven' //        nothing proves who sent it, and its owner asks to refuse that (DMARC)
  | 'sender.not-permitted' //   its domain says that this address may not send for it (SPF)
  | 'limit.rate' //             too much in too short a time: temporary
  | 'loop.detected'
  | 'check.failed' //           a check on arriving mail could not be made: temporary
  | 'dns.unavailable' //        no DNS server could say: temporary
  | 'limit.reached' //          connections, commands, literals: a bound of ours
  | 'directory.exists'
  | 'directory.missing'
  | 'directory.invalid'
  | 'directory.outside' //      it lives in another directory and is changed there
  | 'search.charset' //         BADCHARSET
  | 'binary.unknown-encoding'; // UNKNOWN-CTE

/** Those that only administrators meet, on the command line. */
export type AdministrativeCode =
  | 'config.invalid'
  | 'ldap.off' //               no LDAP directory is configured, or no server runs that could ask it
  | 'ldap.unavailable' //       the LDAP directory can't be reached, or does not answer as it should
  | 'ldap.many' //              a refresh would suspend more people at once than it may
  | 'acme.wait' //              a certificate authority would refuse for longer, if it were asked again now
  | 'server.needed' //          only a running server can do it
  | 'listen.failed' //          a port is taken or may not be used
  | 'queue.changed' //          mail that waits in the queue was changed, or has left, meanwhile
  | 'policy.lock-out' //        no administrator could sign in after it
  | 'account.held' //           under legal hold: nothing of it may go
  | 'backup.missing' //         no repository, or no such backup, there
  | 'backup.key' //             the key is not one, or of another repository
  | 'backup.damaged' //         an object of the repository fails its check, or is gone
  | 'backup.newer' //           the repository was made by a newer program
  | 'backup.busy' //            another command uses the repository
  | 'backup.full' //            the repository's disk is full
  | 'backup.place' //           the repository may not be where it was asked for
  | 'backup.stopped' //         somebody stopped it
  | 'restore.place' //          what is to be restored may not go there: something is there already
  | 'restore.unfinished' //     a restore into this data directory was broken off
  | 'restore.other-account' //  the account of this name is not the one in the backup
  | 'import.unreadable' //      the file to import is no mail or can't be read
  | 'store.damaged' //        the data directory can't be used as it is
  | 'source.unreachable' //     a server to bring mail from: no connection, or lost too often
  | 'source.sign-in' //         it does not take the name and password
  | 'source.insecure' //        it offers no TLS
  | 'source.certificate' //     its certificate is not valid, or not the one to accept
  | 'source.unusable' //        it lacks what is needed to bring mail once
  | 'transfer.finished' //      the move from there was finished: its mail would come twice
  | 'transfer.incomplete' //    not all came: the move can't be finished yet
  | 'export.foreign' //         the directory to export to holds other things
  | 'export.unwritable' //      it can't be written to
  | 'transfer.busy'; //         the same mail is being brought in by another command

/** We understood and can't, or may not, do it. The text is for a person who reads it in a mail client: what happened, what to do. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
  }
}

/** True for the two kinds that are not our fault. */
export function isExpected(error: unknown): error is BadCommand | Refused {
  return error instanceof BadCommand || error instanceof Refused;
}
