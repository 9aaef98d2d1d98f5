/**
 * UTF8 (RFC 6856 2): the client understands UTF-8 in headers. Messages are stored and sent as they came in, so nothing changes for them: a
 * client that has not said so gets them as they are too, which for the person is better than a message it can't fetch.
 */
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

const AGREED = ok('UTF-8 it is');

export const utf8: Pop3Command = {
  name: 'UTF8',
  states: ['authorization'],
  bare: true,
  run(session) {
    session.utf8 = true;
    return AGREED;
  },
};
