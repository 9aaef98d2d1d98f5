import type { ReportTexts } from '../texts.ts';

export const fr: ReportTexts = {
  writer: 'Système de messagerie',
  subject: {
    failed: 'Non distribué : {subject}',
    delayed: 'Pas encore distribué : {subject}',
    delivered: 'Distribué : {subject}',
    relayed: 'Remis à l’autre serveur : {subject}',
    expanded: 'Transmis : {subject}',
  },
  noSubject: '(sans objet)',
  opening: {
    failed: {
      one: 'Votre message n’a pas pu être distribué à cette adresse :',
      other: 'Votre message n’a pas pu être distribué à ces adresses :',
    },
    delayed: {
      one: 'Votre message n’a pas encore pu être distribué à cette adresse :',
      other: 'Votre message n’a pas encore pu être distribué à ces adresses :',
    },
    delivered: {
      one: 'Votre message est dans la boîte de ce destinataire :',
      other: 'Votre message est dans les boîtes de ces destinataires :',
    },
    relayed: {
      one: 'Votre message a été remis au serveur de messagerie de ce destinataire, qui ne dit pas ce qu’il en advient :',
      other:
        'Votre message a été remis aux serveurs de messagerie de ces destinataires, qui ne disent pas ce qu’il en advient :',
    },
    expanded: {
      one: 'Votre message a été transmis à ceux que cette adresse représente :',
      other: 'Votre message a été transmis à ceux que ces adresses représentent :',
    },
  },
  reasons: {
    unknownAddress: 'Personne n’a cette adresse. Vérifiez son orthographe.',
    moved: 'Cette adresse n’est plus utilisée. Demandez la nouvelle.',
    noSuchDomain:
      'Le domaine {domain} n’existe pas, ou aucun serveur de messagerie n’est connu pour lui. Vérifiez ce qui suit le @.',
    takesNoMail: 'Le domaine {domain} n’accepte pas de courrier. Vérifiez ce qui suit le @.',
    senderRefused:
      'Le serveur de messagerie du destinataire n’accepte pas votre propre adresse, {sender}. Prévenez votre administrateur.',
    mailboxClosed: 'Cette boîte n’accepte pas de courrier. Essayez un autre moyen.',
    mailboxFull: 'La boîte du destinataire est pleine. Réessayez plus tard, ou essayez un autre moyen.',
    oneMailboxFull: 'La boîte d’une des personnes derrière cette adresse est pleine. Les autres ont le message.',
    tooLarge:
      'Le message ({size}) est trop grand pour le serveur de messagerie du destinataire. Envoyez-le en plusieurs parties, ou envoyez un lien vers les fichiers.',
    serverTrouble: 'Le serveur de messagerie du destinataire a lui-même un problème.',
    notReached: 'Le serveur de messagerie du destinataire n’a pas pu être joint.',
    loop: 'Le message a tourné en rond entre des serveurs de messagerie. Prévenez votre administrateur.',
    content:
      'Le serveur de messagerie du destinataire n’accepte pas les messages de cette sorte. Envoyez-le sans pièces jointes, ou dans un autre format.',
    noInternational:
      'Le serveur de messagerie du destinataire n’accepte pas les adresses avec des lettres comme ä ou ф. Utilisez une autre adresse du destinataire, ou une autre des vôtres.',
    spam: 'Le serveur de messagerie du destinataire a pris le message pour du courrier indésirable. Écrivez-le autrement ; si cela se répète, prévenez votre administrateur.',
    notAuthentic:
      'Le serveur de messagerie du destinataire n’a pas pu reconnaître que le message vient vraiment de {sender}. Prévenez votre administrateur.',
    notAllowed: 'Le serveur de messagerie du destinataire ne vous permet pas d’écrire à cette adresse.',
    needsTls:
      'Le message ne peut passer que par des connexions dont le chiffrement est vérifié, et le serveur de messagerie du destinataire n’en offre pas.',
    tooMuch: 'Le serveur de messagerie du destinataire a reçu trop de courrier d’ici. Réessayez plus tard.',
    refused: 'Le serveur de messagerie du destinataire a refusé le message.',
    removed: 'L’administrateur de ce serveur a arrêté le message.',
    ownTrouble: 'Ce serveur a lui-même un problème. Prévenez votre administrateur.',
    later: 'Le serveur de messagerie du destinataire a demandé de réessayer plus tard.',
  },
  triedFor: 'On a essayé pendant {duration}, et on n’essaie plus.',
  goesOn: 'On essaie encore jusqu’au {until}. Vous n’avez pas besoin de renvoyer le message.',
  answered: 'Le serveur {server} a répondu : {answer}',
  detail: 'En détail : {detail}',
  labels: { subject: 'Objet : {subject}', sent: 'Envoyé : {sent}' },
  attached: { whole: 'Le message est joint.', header: 'L’en-tête du message est joint.' },
};
