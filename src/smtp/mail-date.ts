/** The date of trace lines and of messages that come without one. */
import { writeDate } from '../message/dates.ts';
import { nowSeconds } from '../store/ids.ts';

let second = -1;
let text = '';

/** Now; made once a second. */
export function mailDate(): string {
  const now = nowSeconds();
  if (now !== second) {
    second = now;
    text = writeDate(now);
  }
  return text;
}
