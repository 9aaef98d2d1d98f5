/** LANG (RFC 6856 3): the language of what is said to people. There is English. */
import { BadCommand } from '../../errors.ts';
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

const LIST = `${ok('Languages follow')}en English\r\ni-default English, in ASCII\r\n.\r\n`;

/** By tag in lower case; `*` is the server's choice. A language answers for its regions too. */
const ANSWERS: Readonly<Record<string, string>> = {
  en: ok('en English from now on'),
  'i-default': ok('i-default English from now on'),
  '*': ok('en English from now on'),
};

export const lang: Pop3Command = {
  name: 'LANG',
  states: ['authorization', 'transaction'],
  run(_session, args) {
    const range = args.trim().toLowerCase();
    if (range === '') return LIST;
    const answer = ANSWERS[range] ?? ANSWERS[range.replace(/-.*$/, '')];
    if (answer === undefined) throw new BadCommand('That language is not spoken here');
    return answer;
  },
};
