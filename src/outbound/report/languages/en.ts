import type { ReportTexts } from '../texts.ts';

export const en: ReportTexts = {
  writer: 'Mail system',
  subject: {
    failed: 'Not delivered: {subject}',
    delayed: 'Not delivered yet: {subject}',
    delivered: 'Delivered: {subject}',
    relayed: 'Handed over to the other server: {subject}',
    expanded: 'Passed on: {subject}',
  },
  noSubject: '(no subject)',
  opening: {
    failed: {
      one: 'Your message could not be delivered to this address:',
      other: 'Your message could not be delivered to these addresses:',
    },
    delayed: {
      one: 'Your message could not be delivered to this address yet:',
      other: 'Your message could not be delivered to these addresses yet:',
    },
    delivered: {
      one: 'Your message is in the mailbox of this recipient:',
      other: 'Your message is in the mailboxes of these recipients:',
    },
    relayed: {
      one: 'Your message was handed over to the mail server of this recipient, which does not tell what becomes of it:',
      other:
        'Your message was handed over to the mail servers of these recipients, which do not tell what becomes of it:',
    },
    expanded: {
      one: 'Your message was passed on to those for whom this address stands:',
      other: 'Your message was passed on to those for whom these addresses stand:',
    },
  },
  reasons: {
    unknownAddress: 'There is nobody with this address. Check its spelling.',
    moved: 'This address is not in use any more. Ask the person for the new one.',
    noSuchDomain:
      'The domain {domain} does not exist, or nobody knows a mail server for it. Check the spelling of what stands after the @.',
    takesNoMail: 'The domain {domain} takes no mail. Check the spelling of what stands after the @.',
    senderRefused:
      'The mail server of the recipient does not accept your own address, {sender}. Tell your administrator.',
    mailboxClosed: 'This mailbox does not take mail. Reach the person in another way.',
    mailboxFull: 'The mailbox of the recipient is full. Try again later, or reach the person in another way.',
    oneMailboxFull: 'The mailbox of one of those for whom this address stands is full. The others have the message.',
    tooLarge:
      'The message ({size}) is too large for the mail server of the recipient. Send it in parts, or a link to the files.',
    serverTrouble: 'The mail server of the recipient has a problem of its own.',
    notReached: 'The mail server of the recipient could not be reached.',
    loop: 'The message went round in circles between mail servers. Tell your administrator.',
    content:
      'The mail server of the recipient does not take messages of this kind. Send it without attachments, or in another format.',
    noInternational:
      'The mail server of the recipient does not take addresses with letters such as ä or ф. Use another address of the person, or another of your own.',
    spam: 'The mail server of the recipient took the message for spam. Write it in other words; if that happens again, tell your administrator.',
    notAuthentic:
      'The mail server of the recipient could not see that the message really comes from {sender}. Tell your administrator.',
    notAllowed: 'The mail server of the recipient does not allow you to write to this address.',
    needsTls:
      'The message may travel only over connections with verified encryption, and the mail server of the recipient offers none.',
    tooMuch: 'The mail server of the recipient has had too much mail from here. Try again later.',
    refused: 'The mail server of the recipient refused the message.',
    removed: 'The administrator of this server stopped the message.',
    ownTrouble: 'This server has a problem of its own. Tell your administrator.',
    later: 'The mail server of the recipient asked to try again later.',
  },
  triedFor: 'It was tried for {duration}, and is not tried any more.',
  goesOn: 'It is tried until {until}. You need not send the message again.',
  answered: 'The server {server} answered: {answer}',
  detail: 'In detail: {detail}',
  labels: { subject: 'Subject: {subject}', sent: 'Sent: {sent}' },
  attached: { whole: 'The message is attached.', header: 'The header of the message is attached.' },
};
