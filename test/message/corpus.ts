/** The messages of test/corpus, as a server gets them: with CRLF. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', 'corpus');

export interface CorpusMessage {
  /** Path in the corpus. */
  readonly name: string;
  readonly bytes: Buffer;
}

export function corpus(): CorpusMessage[] {
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.eml'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: relative(FOLDER, path), bytes: withCrlf(readFileSync(path)) }));
}

/** Every line end becomes CRLF. */
function withCrlf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/\r?\n|\r/g, '\r\n'), 'latin1');
}

/** A message from its lines. */
export function message(...lines: string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8');
}
