/** NOOP (RFC 1939 5). */
import type { Pop3Command } from '../command.ts';
import { ok } from '../responses.ts';

const DONE = ok('Done');

export const noop: Pop3Command = { name: 'NOOP', states: ['transaction'], bare: true, run: () => DONE };
