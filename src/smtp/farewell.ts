/** What a client hears when we end the connection (RFC 5321 3.8, 4.2.1). */
const texts = {
  busy: '4.3.2 %s Too many connections; please try again later',
  timeout: '4.4.2 %s Nothing was heard for too long; goodbye',
  shutdown: '4.3.2 %s The server is stopping; please try again later',
} as const;

export function farewell(why: keyof typeof texts, hostname: string): string {
  return `421 ${texts[why].replace('%s', hostname)}\r\n`;
}
