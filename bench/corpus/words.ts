/** What the made-up mail is made of. */
const list = (text: string): readonly string[] => text.split(' ');

export const SYLLABLES = list(
  'ba be bi bo bu da de di do du fa fe ga go ha he ka ke ki ko la le li lo lu ma me mi mo mu na ne ni no pa pe pi po ra re ri ro sa se si so su ta te ti to tra ve vi vo wa we zo',
);

/** The most frequent first. */
export const COMMON_WORDS = list(
  'the of and to a in is it you that for on with as are be this have from or by not but what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find',
);

export const FOREIGN_WORDS = list('naïve café größer señor привет 日本語 żółty');

export const FIRST_NAMES = list(
  'Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Jürgen Zoë Łukasz Søren François Ştefan Иван 田中 Νίκος Mallory',
);

export const LAST_NAMES = list(
  "Smith Jones Müller Novák García Ågren O'Brien Петров 太郎 Παπάς Johnson Brown Dubois Rossi Silva Kowalski",
);

export const TOPICS: readonly string[] = [
  'Invoice',
  'Meeting notes',
  'Weekly report',
  'Build failed',
  'Re-organisation',
  'Travel plans',
  'Newsletter',
  'Your order',
  'Security alert',
  'Patch review',
  'Rechnung für März',
  "Réunion de l'équipe",
  'Счёт за услуги',
  '会議のお知らせ',
  'Lunch?',
  'Contract draft',
];
