/** Ids for messages on their way in: unique for as long as logs are kept, short, and telling nothing. */
const startedAt = Date.now().toString(36);
let last = 0;

export function nextMessageId(): string {
  last += 1;
  return `${startedAt}.${last.toString(36)}`;
}
