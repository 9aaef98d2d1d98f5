/** What goes first of mail that waits for the same server. Pure. */
import type { Priority } from '../store/types.ts';
import type { Envelope } from './types.ts';

/** Recipients elsewhere of one message: with more it is a newsletter, or as patient as one. */
const MANY = 20;

/**
 * What goes to many and comes from a list goes last, whatever it says of itself. Of the rest, what the people of the office mark as important in their mail
 * programs goes first; who sends from outside, and has it forwarded, decides nothing here.
 */
export function priorityOf(
  { fromList, signedIn, importance }: Pick<Envelope, 'fromList' | 'signedIn' | 'importance'>,
  recipients: number,
): Priority {
  if (fromList === true || recipients > MANY) return 'low';
  return (signedIn !== undefined && importance) || 'normal';
}
