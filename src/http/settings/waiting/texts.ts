/** What people read of their mail that has not left yet. */

/** Of one message; it may have a thousand. */
const MOST_ADDRESSES = 10;

export const TEXT = {
  title: 'Waiting to be sent',
  lead: 'What you have sent and not everybody has got yet.',
  none: 'Nothing of yours waits: all that you sent has left.',
  noneOlder: 'Nothing older of yours waits.',
  older: 'What you sent before that',
  newest: 'Back to the newest',
  noSubject: '(no subject)',
  sent: 'Sent',
  until: 'Tried until',
  said: 'The last answer:',
  stopped: 'This server sends nothing at the moment. Ask your administrator.',
  states: {
    later: 'It waits for its time, and leaves',
    soon: 'It leaves in a moment.',
    retry: 'It is tried again',
    away: 'The other mail server was not reached. It is tried again',
    tried: 'It is being sent just now.',
    held: 'An administrator holds it until it may go on.',
  },
  sendNow: 'Send now',
  tryAgain: 'Try again now',
  stop: "Don't send",
  andMore: (count: number) => `and ${count} more`,
} as const;

export const QUESTION = {
  title: 'Take it back?',
  lead: 'Who has not got it yet does not get it. Nobody is told, and your own copy stays.',
  subject: 'Subject',
  sent: 'Sent',
  one: 'Has not got it',
  choose: 'Who is not to get it?',
  all: (count: number) => `${count} people have not got it.`,
  had: 'Too late',
  hadIt: (who: string) => `${who}: it has left for there.`,
  tried: (who: string) => `${who}: it is being sent just now.`,
  nobody: 'Nobody waits for it any more.',
  gone: 'This message does not wait any more: it has left, or was taken back.',
  back: 'Where is my mail?',
  keep: 'Let it be sent',
  choice: 'Choose whom it is not to be sent to.',
} as const;

/** What was done, in sentences. */
export const DONE = {
  taken: (who: string) => `Taken back: it is not sent to ${who}.`,
  tried: (who: string) => `To ${who} it is being sent just now: look again in a minute.`,
  had: (who: string) => `For ${who} it had left before.`,
  left: 'It had left already.',
  hastened: (who: string) => `It leaves now for ${who}.`,
  away: (who: string) => `For ${who} it leaves when the other mail server, which was not reached, is tried again.`,
  notHastened: 'Nothing of it waits for its time: it is being sent just now, or an administrator holds it.',
} as const;

/** In one line, however many they are. */
export function listed(addresses: readonly string[]): string {
  const rest = addresses.length - MOST_ADDRESSES;
  return addresses.slice(0, MOST_ADDRESSES).join(', ') + (rest > 0 ? `, ${TEXT.andMore(rest)}` : '');
}
