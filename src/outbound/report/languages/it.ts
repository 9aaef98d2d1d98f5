import type { ReportTexts } from '../texts.ts';

export const it: ReportTexts = {
  writer: 'Sistema di posta',
  subject: {
    failed: 'Non consegnato: {subject}',
    delayed: 'Non ancora consegnato: {subject}',
    delivered: 'Consegnato: {subject}',
    relayed: 'Affidato all’altro server: {subject}',
    expanded: 'Trasmesso: {subject}',
  },
  noSubject: '(nessun oggetto)',
  opening: {
    failed: {
      one: 'Il suo messaggio non è stato consegnato a questo indirizzo:',
      other: 'Il suo messaggio non è stato consegnato a questi indirizzi:',
    },
    delayed: {
      one: 'Il suo messaggio non è ancora stato consegnato a questo indirizzo:',
      other: 'Il suo messaggio non è ancora stato consegnato a questi indirizzi:',
    },
    delivered: {
      one: 'Il suo messaggio è nella casella di questo destinatario:',
      other: 'Il suo messaggio è nelle caselle di questi destinatari:',
    },
    relayed: {
      one: 'Il suo messaggio è stato affidato al server di posta di questo destinatario, che non comunica che cosa ne avviene:',
      other:
        'Il suo messaggio è stato affidato ai server di posta di questi destinatari, che non comunicano che cosa ne avviene:',
    },
    expanded: {
      one: 'Il suo messaggio è stato trasmesso a tutti coloro che questo indirizzo rappresenta:',
      other: 'Il suo messaggio è stato trasmesso a tutti coloro che questi indirizzi rappresentano:',
    },
  },
  reasons: {
    unknownAddress: 'Nessuno ha questo indirizzo. Controlli come è scritto.',
    moved: 'Questo indirizzo non è più in uso. Chieda quello nuovo.',
    noSuchDomain:
      'Il dominio {domain} non esiste, o non è noto alcun server di posta per esso. Controlli ciò che segue la @.',
    takesNoMail: 'Il dominio {domain} non accetta posta. Controlli ciò che segue la @.',
    senderRefused:
      'Il server di posta del destinatario non accetta il suo indirizzo, {sender}. Avvisi il suo amministratore.',
    mailboxClosed: 'Questa casella non accetta posta. Provi in un altro modo.',
    mailboxFull: 'La casella del destinatario è piena. Riprovi più tardi, o in un altro modo.',
    oneMailboxFull:
      'La casella di una delle persone a cui porta questo indirizzo è piena. Le altre hanno il messaggio.',
    tooLarge:
      'Il messaggio ({size}) è troppo grande per il server di posta del destinatario. Lo invii in più parti, o invii un link ai file.',
    serverTrouble: 'Il server di posta del destinatario ha un problema proprio.',
    notReached: 'Il server di posta del destinatario non era raggiungibile.',
    loop: 'Il messaggio ha girato in tondo tra server di posta. Avvisi il suo amministratore.',
    content:
      'Il server di posta del destinatario non accetta messaggi di questo tipo. Lo invii senza allegati, o in un altro formato.',
    noInternational:
      'Il server di posta del destinatario non accetta indirizzi con lettere come ä o ф. Usi un altro indirizzo del destinatario, o un altro dei suoi.',
    spam: 'Il server di posta del destinatario ha preso il messaggio per posta indesiderata. Lo scriva in altre parole; se si ripete, avvisi il suo amministratore.',
    notAuthentic:
      'Il server di posta del destinatario non ha potuto riconoscere che il messaggio viene davvero da {sender}. Avvisi il suo amministratore.',
    notAllowed: 'Il server di posta del destinatario non le permette di scrivere a questo indirizzo.',
    needsTls:
      'Il messaggio può viaggiare solo su connessioni con cifratura verificata, e il server di posta del destinatario non ne offre.',
    tooMuch: 'Il server di posta del destinatario ha ricevuto troppa posta da qui. Riprovi più tardi.',
    refused: 'Il server di posta del destinatario ha rifiutato il messaggio.',
    removed: 'L’amministratore di questo server ha fermato il messaggio.',
    ownTrouble: 'Questo server ha un problema proprio. Avvisi il suo amministratore.',
    later: 'Il server di posta del destinatario ha chiesto di riprovare più tardi.',
  },
  triedFor: 'Si è provato per {duration}, e non si prova più.',
  goesOn: 'Si continua a provare fino a {until}. Non occorre inviare di nuovo il messaggio.',
  answered: 'Il server {server} ha risposto: {answer}',
  detail: 'In dettaglio: {detail}',
  labels: { subject: 'Oggetto: {subject}', sent: 'Inviato: {sent}' },
  attached: { whole: 'Il messaggio è allegato.', header: 'L’intestazione del messaggio è allegata.' },
};
