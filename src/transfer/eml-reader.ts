/** Reads single messages (.eml) of a directory; what `messages.jsonl` tells of them when we exported them. */
import { join } from 'node:path';
import { MESSAGES, parseMessages } from './rainmail-index.ts';
import { loadMessage, readAhead, textOf } from './read-files.ts';
import { type Found, leftOutReason } from './source.ts';

const AT_ONCE = 16;

export async function* readEml(directory: string, files: readonly string[]): AsyncGenerator<Found, void> {
  const told = parseMessages(await textOf(join(directory, MESSAGES)));
  yield* readAhead(files, AT_ONCE, async (name): Promise<Found> => {
    const where = join(directory, name);
    const note = told.get(name);
    try {
      const { content, modified } = await loadMessage(where, note !== undefined);
      const received = note === undefined ? null : Math.floor(Date.parse(note.received) / 1_000);
      // Its content is what it is known by: a file's name may be given again, and a file be renamed.
      return { where, key: null, content, received, modified, flags: note?.flags ?? [], uidl: note?.uidl ?? null };
    } catch (error) {
      const reason = leftOutReason(error);
      if (reason === undefined) throw error;
      return { where, reason };
    }
  });
}
