import type { ReportTexts } from '../texts.ts';

export const es: ReportTexts = {
  writer: 'Sistema de correo',
  subject: {
    failed: 'No entregado: {subject}',
    delayed: 'Aún no entregado: {subject}',
    delivered: 'Entregado: {subject}',
    relayed: 'Entregado al otro servidor: {subject}',
    expanded: 'Transmitido: {subject}',
  },
  noSubject: '(sin asunto)',
  opening: {
    failed: {
      one: 'Su mensaje no se ha podido entregar a esta dirección:',
      other: 'Su mensaje no se ha podido entregar a estas direcciones:',
    },
    delayed: {
      one: 'Su mensaje aún no se ha podido entregar a esta dirección:',
      other: 'Su mensaje aún no se ha podido entregar a estas direcciones:',
    },
    delivered: {
      one: 'Su mensaje está en el buzón de este destinatario:',
      other: 'Su mensaje está en los buzones de estos destinatarios:',
    },
    relayed: {
      one: 'Su mensaje se ha traspasado al servidor de correo de este destinatario, que no informa de lo que ocurre con él:',
      other:
        'Su mensaje se ha traspasado a los servidores de correo de estos destinatarios, que no informan de lo que ocurre con él:',
    },
    expanded: {
      one: 'Su mensaje se ha transmitido a todos los que representa esta dirección:',
      other: 'Su mensaje se ha transmitido a todos los que representan estas direcciones:',
    },
  },
  reasons: {
    unknownAddress: 'Nadie tiene esta dirección. Compruebe cómo está escrita.',
    moved: 'Esta dirección ya no se usa. Pregunte por la nueva.',
    noSuchDomain:
      'El dominio {domain} no existe, o no se conoce ningún servidor de correo para él. Compruebe lo que sigue a la @.',
    takesNoMail: 'El dominio {domain} no acepta correo. Compruebe lo que sigue a la @.',
    senderRefused:
      'El servidor de correo del destinatario no acepta su propia dirección, {sender}. Avise a su administrador.',
    mailboxClosed: 'Este buzón no acepta correo. Pruebe otro medio.',
    mailboxFull: 'El buzón del destinatario está lleno. Vuelva a intentarlo más tarde o pruebe otro medio.',
    oneMailboxFull:
      'El buzón de una de las personas a las que lleva esta dirección está lleno. Las demás tienen el mensaje.',
    tooLarge:
      'El mensaje ({size}) es demasiado grande para el servidor de correo del destinatario. Envíelo en partes, o envíe un enlace a los archivos.',
    serverTrouble: 'El servidor de correo del destinatario tiene un problema propio.',
    notReached: 'No se ha podido llegar al servidor de correo del destinatario.',
    loop: 'El mensaje ha dado vueltas en círculo entre servidores de correo. Avise a su administrador.',
    content:
      'El servidor de correo del destinatario no acepta mensajes de este tipo. Envíelo sin archivos adjuntos o en otro formato.',
    noInternational:
      'El servidor de correo del destinatario no acepta direcciones con letras como ä o ф. Use otra dirección del destinatario, u otra de las suyas.',
    spam: 'El servidor de correo del destinatario ha tomado el mensaje por correo no deseado. Escríbalo de otra manera; si se repite, avise a su administrador.',
    notAuthentic:
      'El servidor de correo del destinatario no ha podido reconocer que el mensaje procede de verdad de {sender}. Avise a su administrador.',
    notAllowed: 'El servidor de correo del destinatario no le permite escribir a esta dirección.',
    needsTls:
      'El mensaje solo puede viajar por conexiones con cifrado verificado, y el servidor de correo del destinatario no ofrece ninguna.',
    tooMuch:
      'El servidor de correo del destinatario ha recibido demasiado correo desde aquí. Vuelva a intentarlo más tarde.',
    refused: 'El servidor de correo del destinatario ha rechazado el mensaje.',
    removed: 'El administrador de este servidor ha detenido el mensaje.',
    ownTrouble: 'Este servidor tiene un problema propio. Avise a su administrador.',
    later: 'El servidor de correo del destinatario ha pedido que se vuelva a intentar más tarde.',
  },
  triedFor: 'Se ha intentado durante {duration} y ya no se intenta más.',
  goesOn: 'Se sigue intentando hasta el {until}. No hace falta que vuelva a enviar el mensaje.',
  answered: 'El servidor {server} respondió: {answer}',
  detail: 'En detalle: {detail}',
  labels: { subject: 'Asunto: {subject}', sent: 'Enviado: {sent}' },
  attached: { whole: 'El mensaje va adjunto.', header: 'La cabecera del mensaje va adjunta.' },
};
