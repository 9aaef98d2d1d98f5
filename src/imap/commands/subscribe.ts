/** SUBSCRIBE and UNSUBSCRIBE: names that LIST (SUBSCRIBED) and LSUB show, whether a mailbox has them or not (RFC 9051 6.3.7, 6.3.8). */
import { type Command, ok, signedIn } from '../command.ts';
import { mailboxArgument } from '../syntax/mailboxes.ts';

export const subscribe = subscription('SUBSCRIBE', true);
export const unsubscribe = subscription('UNSUBSCRIBE', false);

function subscription(name: string, subscribed: boolean): Command<string> {
  return {
    name,
    states: signedIn,
    syntax: mailboxArgument,

    async run(path, session) {
      await session.store.mailboxes.setSubscribed(session.accountId, path, subscribed);
      return ok(`${name} completed`);
    },
  };
}
