/** What is measured of POP3 alone: that it is the lightest protocol, also with large maildrops and many sessions. */
import { type Benchmark, idlers, LISTED, retrievals, signIns } from './plan.ts';

const SESSIONS = 10_000;

export const POP3_PLAN: readonly Benchmark[] = [
  signIns('pop3', 1),
  signIns('pop3', 16, 6),
  retrievals(1, { times: 2 }),
  retrievals(16, { times: 1.5 }),
  listings(),
  idlers('pop3', { atMost: 8 }, SESSIONS),
];

/** UIDL and LIST of a large maildrop, in sessions after the first. */
function listings(): Benchmark {
  return {
    name: 'listing',
    load: ({ secs, quick }) => ['listing', '--user', LISTED.user, '--count', LISTED.count(quick), '--secs', secs],
    figures: (['UIDL', 'LIST'] as const).map((command) => ({
      title: `${command} of 100,000 messages, ms`,
      better: 'less',
      wanted: { atMost: 50 },
      read: ({ ms }) => ms?.[command],
    })),
    cpu: { operation: 'a session with UIDL and LIST of 100,000 messages' },
    needs: 'long maildrop',
  };
}
