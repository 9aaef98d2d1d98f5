/** What SASL PLAIN says of somebody, as base64 (RFC 4616 2). */
export function saslPlain(user: string, password: string): string {
  return Buffer.from(`\0${user}\0${password}`).toString('base64');
}
