/** What SQLite says of a full disk, for people. */
import { Refused } from '../../errors.ts';

const SQLITE_FULL = 13;

/** The refusal that a full disk means; everything else as it is. */
export function explained(error: unknown): unknown {
  if ((error as { errcode?: number }).errcode !== SQLITE_FULL) return error;
  return new Refused('store.full', 'The disk of the mail server is full. Free some space and try again.', {
    cause: error,
  });
}

/** True for the refusal that {@link explained} makes. */
export function isFull(error: unknown): boolean {
  return error instanceof Refused && error.code === 'store.full';
}
