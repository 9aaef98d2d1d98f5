/** The HTTP status of an error on a page. */
import { answerTo, OUR_FAULT } from '../answers.ts';

/** As for all of HTTP; but a form that is refused is no 401, which would have to name an authentication scheme (RFC 9110 11.6.1). */
export function statusOf(error: unknown): number {
  const { status } = answerTo(error) ?? OUR_FAULT;
  return status === 401 ? 403 : status;
}
