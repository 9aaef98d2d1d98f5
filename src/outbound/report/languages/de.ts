import type { ReportTexts } from '../texts.ts';

export const de: ReportTexts = {
  writer: 'Mail-System',
  subject: {
    failed: 'Nicht zugestellt: {subject}',
    delayed: 'Noch nicht zugestellt: {subject}',
    delivered: 'Zugestellt: {subject}',
    relayed: 'Dem anderen Server übergeben: {subject}',
    expanded: 'Weitergegeben: {subject}',
  },
  noSubject: '(kein Betreff)',
  opening: {
    failed: {
      one: 'Ihre Nachricht konnte an diese Adresse nicht zugestellt werden:',
      other: 'Ihre Nachricht konnte an diese Adressen nicht zugestellt werden:',
    },
    delayed: {
      one: 'Ihre Nachricht konnte an diese Adresse noch nicht zugestellt werden:',
      other: 'Ihre Nachricht konnte an diese Adressen noch nicht zugestellt werden:',
    },
    delivered: {
      one: 'Ihre Nachricht liegt im Postfach dieses Empfängers:',
      other: 'Ihre Nachricht liegt in den Postfächern dieser Empfänger:',
    },
    relayed: {
      one: 'Ihre Nachricht wurde dem Mailserver dieses Empfängers übergeben. Er teilt nicht mit, was aus ihr wird:',
      other: 'Ihre Nachricht wurde den Mailservern dieser Empfänger übergeben. Sie teilen nicht mit, was aus ihr wird:',
    },
    expanded: {
      one: 'Ihre Nachricht wurde an alle weitergegeben, für die diese Adresse steht:',
      other: 'Ihre Nachricht wurde an alle weitergegeben, für die diese Adressen stehen:',
    },
  },
  reasons: {
    unknownAddress: 'Diese Adresse hat niemand. Prüfen Sie die Schreibweise.',
    moved: 'Diese Adresse wird nicht mehr verwendet. Fragen Sie nach der neuen.',
    noSuchDomain:
      'Die Domain {domain} gibt es nicht, oder für sie ist kein Mailserver bekannt. Prüfen Sie, was nach dem @ steht.',
    takesNoMail: 'Die Domain {domain} nimmt keine E-Mail an. Prüfen Sie, was nach dem @ steht.',
    senderRefused:
      'Der Mailserver des Empfängers nimmt Ihre eigene Adresse {sender} nicht an. Sagen Sie es Ihrer Administratorin oder Ihrem Administrator.',
    mailboxClosed: 'Dieses Postfach nimmt keine E-Mail an. Versuchen Sie einen anderen Weg.',
    mailboxFull:
      'Das Postfach des Empfängers ist voll. Versuchen Sie es später noch einmal oder auf einem anderen Weg.',
    oneMailboxFull:
      'Das Postfach einer der Personen, für die diese Adresse steht, ist voll. Die anderen haben die Nachricht.',
    tooLarge:
      'Die Nachricht ({size}) ist für den Mailserver des Empfängers zu groß. Senden Sie sie in Teilen oder einen Link auf die Dateien.',
    serverTrouble: 'Der Mailserver des Empfängers hat selbst eine Störung.',
    notReached: 'Der Mailserver des Empfängers war nicht zu erreichen.',
    loop: 'Die Nachricht lief zwischen Mailservern im Kreis. Sagen Sie es Ihrer Administratorin oder Ihrem Administrator.',
    content:
      'Der Mailserver des Empfängers nimmt Nachrichten dieser Art nicht an. Senden Sie sie ohne Anhänge oder in einem anderen Format.',
    noInternational:
      'Der Mailserver des Empfängers nimmt keine Adressen mit Buchstaben wie ä oder ф an. Verwenden Sie eine andere Adresse des Empfängers oder eine andere eigene.',
    spam: 'Der Mailserver des Empfängers hielt die Nachricht für Spam. Formulieren Sie sie anders; wiederholt es sich, sagen Sie es Ihrer Administratorin oder Ihrem Administrator.',
    notAuthentic:
      'Der Mailserver des Empfängers konnte nicht erkennen, dass die Nachricht wirklich von {sender} stammt. Sagen Sie es Ihrer Administratorin oder Ihrem Administrator.',
    notAllowed: 'Der Mailserver des Empfängers erlaubt Ihnen nicht, an diese Adresse zu schreiben.',
    needsTls:
      'Die Nachricht darf nur über Verbindungen mit geprüfter Verschlüsselung laufen, und der Mailserver des Empfängers bietet keine an.',
    tooMuch: 'Der Mailserver des Empfängers hat zu viel E-Mail von hier bekommen. Versuchen Sie es später noch einmal.',
    refused: 'Der Mailserver des Empfängers hat die Nachricht abgelehnt.',
    removed: 'Die Administration dieses Servers hat die Nachricht angehalten.',
    ownTrouble: 'Dieser Server hat selbst eine Störung. Sagen Sie es Ihrer Administratorin oder Ihrem Administrator.',
    later: 'Der Mailserver des Empfängers bat, es später noch einmal zu versuchen.',
  },
  triedFor: 'Es wurde {duration} lang versucht und wird nicht weiter versucht.',
  goesOn: 'Es wird weiter versucht, bis {until}. Sie brauchen die Nachricht nicht noch einmal zu senden.',
  answered: 'Der Server {server} antwortete: {answer}',
  detail: 'Im Einzelnen: {detail}',
  labels: { subject: 'Betreff: {subject}', sent: 'Gesendet: {sent}' },
  attached: { whole: 'Die Nachricht ist angehängt.', header: 'Die Kopfzeilen der Nachricht sind angehängt.' },
};
