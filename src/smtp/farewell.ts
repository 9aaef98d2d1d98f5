/** What a client hears when we end the connection (RFC 5321 3.8, 4.2.1). */
import { type Farewell, isSignedOut, SIGNED_OUT } from '../net/farewell.ts';

const texts = {
  busy: '4.3.2 %s Too many connections; please try again later',
  timeout: '4.4.2 %s Nothing was heard for too long; goodbye',
  shutdown: '4.3.2 %s The server is stopping; please try again later',
} as const;

export function farewell(why: Farewell, hostname: string): string {
  if (isSignedOut(why)) return `421 4.7.0 ${hostname} ${SIGNED_OUT[why]}\r\n`;
  return `421 ${texts[why].replace('%s', hostname)}\r\n`;
}
