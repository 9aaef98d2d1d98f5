import type { ReportTexts } from '../texts.ts';

export const nl: ReportTexts = {
  writer: 'Mailsysteem',
  subject: {
    failed: 'Niet bezorgd: {subject}',
    delayed: 'Nog niet bezorgd: {subject}',
    delivered: 'Bezorgd: {subject}',
    relayed: 'Overgedragen aan de andere server: {subject}',
    expanded: 'Doorgegeven: {subject}',
  },
  noSubject: '(geen onderwerp)',
  opening: {
    failed: {
      one: 'Uw bericht kon niet worden bezorgd op dit adres:',
      other: 'Uw bericht kon niet worden bezorgd op deze adressen:',
    },
    delayed: {
      one: 'Uw bericht kon nog niet worden bezorgd op dit adres:',
      other: 'Uw bericht kon nog niet worden bezorgd op deze adressen:',
    },
    delivered: {
      one: 'Uw bericht ligt in de mailbox van deze ontvanger:',
      other: 'Uw bericht ligt in de mailboxen van deze ontvangers:',
    },
    relayed: {
      one: 'Uw bericht is overgedragen aan de mailserver van deze ontvanger, die niet meldt wat ermee gebeurt:',
      other: 'Uw bericht is overgedragen aan de mailservers van deze ontvangers, die niet melden wat ermee gebeurt:',
    },
    expanded: {
      one: 'Uw bericht is doorgegeven aan iedereen voor wie dit adres staat:',
      other: 'Uw bericht is doorgegeven aan iedereen voor wie deze adressen staan:',
    },
  },
  reasons: {
    unknownAddress: 'Niemand heeft dit adres. Controleer de spelling.',
    moved: 'Dit adres wordt niet meer gebruikt. Vraag naar het nieuwe.',
    noSuchDomain:
      'Het domein {domain} bestaat niet, of er is geen mailserver voor bekend. Controleer wat er na de @ staat.',
    takesNoMail: 'Het domein {domain} neemt geen mail aan. Controleer wat er na de @ staat.',
    senderRefused:
      'De mailserver van de ontvanger neemt uw eigen adres, {sender}, niet aan. Meld het aan uw beheerder.',
    mailboxClosed: 'Deze mailbox neemt geen mail aan. Probeer een andere weg.',
    mailboxFull: 'De mailbox van de ontvanger is vol. Probeer het later opnieuw, of langs een andere weg.',
    oneMailboxFull: 'De mailbox van een van de personen achter dit adres is vol. De anderen hebben het bericht.',
    tooLarge:
      'Het bericht ({size}) is te groot voor de mailserver van de ontvanger. Stuur het in delen, of stuur een link naar de bestanden.',
    serverTrouble: 'De mailserver van de ontvanger heeft zelf een storing.',
    notReached: 'De mailserver van de ontvanger was niet bereikbaar.',
    loop: 'Het bericht ging in een kring rond tussen mailservers. Meld het aan uw beheerder.',
    content:
      'De mailserver van de ontvanger neemt berichten van deze soort niet aan. Stuur het zonder bijlagen, of in een ander formaat.',
    noInternational:
      'De mailserver van de ontvanger neemt geen adressen aan met letters als ä of ф. Gebruik een ander adres van de ontvanger, of een ander van uzelf.',
    spam: 'De mailserver van de ontvanger zag het bericht aan voor spam. Schrijf het anders; gebeurt het weer, meld het dan aan uw beheerder.',
    notAuthentic:
      'De mailserver van de ontvanger kon niet zien dat het bericht echt van {sender} komt. Meld het aan uw beheerder.',
    notAllowed: 'De mailserver van de ontvanger staat u niet toe naar dit adres te schrijven.',
    needsTls:
      'Het bericht mag alleen over verbindingen met gecontroleerde versleuteling, en de mailserver van de ontvanger biedt er geen.',
    tooMuch: 'De mailserver van de ontvanger heeft te veel mail van hier gekregen. Probeer het later opnieuw.',
    refused: 'De mailserver van de ontvanger heeft het bericht geweigerd.',
    removed: 'De beheerder van deze server heeft het bericht tegengehouden.',
    ownTrouble: 'Deze server heeft zelf een storing. Meld het aan uw beheerder.',
    later: 'De mailserver van de ontvanger vroeg het later opnieuw te proberen.',
  },
  triedFor: 'Het is {duration} lang geprobeerd en wordt niet meer geprobeerd.',
  goesOn: 'Het wordt geprobeerd tot {until}. U hoeft het bericht niet opnieuw te sturen.',
  answered: 'De server {server} antwoordde: {answer}',
  detail: 'Bijzonderheden: {detail}',
  labels: { subject: 'Onderwerp: {subject}', sent: 'Verzonden: {sent}' },
  attached: { whole: 'Het bericht is bijgevoegd.', header: 'De kopregels van het bericht zijn bijgevoegd.' },
};
