/** Ids for messages on their way in: unique for as long as logs are kept, short, and telling nothing. */
const startedAt = Date.now().toString(36);
let last = 0;

export function nextMessageId(): string {
  last += 1;
  return `${startedAt}.${last.toString(36)}`;
}

/** When the process had started that gave this id, in milliseconds since 1970; undefined for what is none. The message came later. */
export function startOf(id: string): number | undefined {
  const [, start] = /^([0-9a-z]{8})\.[0-9a-z]+$/.exec(id) ?? [];
  return start === undefined ? undefined : Number.parseInt(start, 36);
}
