/** NAMESPACE: one personal namespace without a prefix (RFC 2342, RFC 9051 6.3.10). */
import { type Command, ok, signedIn } from '../command.ts';

export const namespace: Command = {
  name: 'NAMESPACE',
  states: signedIn,
  syntax: () => {},

  run(_, session) {
    session.write('* NAMESPACE (("" "/")) NIL NIL\r\n');
    return ok('NAMESPACE completed');
  },
};
