/** Text files that a command is given. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Refused } from '../errors.ts';
import { MOST_LINE_BYTES } from '../server/admin/wire.ts';

/** With room for what JSON adds, it must pass the administration socket. */
const MOST_FILE_BYTES = MOST_LINE_BYTES / 4;

/**
 * The file as text. What is not UTF-8 is refused: names in the wrong characters would go unseen for long.
 * @param save  how to save it right @throws Refused `import.unreadable`
 */
export function readTextFile(file: string, save: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(file));
  } catch (error) {
    throw new Refused('import.unreadable', `${file} can't be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
  if (bytes.length > MOST_FILE_BYTES) {
    throw new Refused('import.unreadable', `${file} is larger than 16 MB. Make several files of it.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Refused('import.unreadable', `${file} is not UTF-8. Save it as ${save}.`, { cause: error });
  }
}
