/**
 * Ids of mail transactions: what the log, the trace and the peer's log know a message by (`id` in its Received line, the number in the final
 * reply). Not its Message-ID, which its sender chooses. Short, never given twice, and telling nothing but when the process began.
 */
const startedAt = Date.now().toString(36);
let last = 0;

export function nextTransactionId(): string {
  last += 1;
  return `${startedAt}.${last.toString(36)}`;
}

/** When the process that gave this id began, in milliseconds since 1970: the message came later. Undefined: it is no such id. */
export function processStartOf(id: string): number | undefined {
  const [, start] = /^([0-9a-z]{8})\.[0-9a-z]+$/.exec(id) ?? [];
  return start === undefined ? undefined : Number.parseInt(start, 36);
}
