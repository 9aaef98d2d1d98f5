/** From which address of ours a message went on: the line that says so stands first (RFC 9228). Undefined: it was sent from here. Pure. */
export function wentOnFrom(prefix: Buffer): string | undefined {
  return /^Delivered-To: <?([^>\r\n]+)>?\r\n/.exec(prefix.toString('utf8'))?.[1];
}
