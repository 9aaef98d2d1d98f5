/** The date of trace lines and of messages that come without one (RFC 5322 3.3), in UTC. */
let second = -1;
let text = '';

/** Now; made once a second. */
export function mailDate(): string {
  const now = Date.now();
  const thisSecond = Math.floor(now / 1_000);
  if (thisSecond !== second) {
    second = thisSecond;
    text = new Date(now).toUTCString().replace('GMT', '+0000');
  }
  return text;
}
