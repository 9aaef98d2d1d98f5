/** True for the name of the folder that POP3 shows; what lies at the top of a source is that. */
export function isInbox(name: string): boolean {
  return name === '' || name.toUpperCase() === 'INBOX';
}
