/** Files with secrets: for their owner alone, and there whole or not at all. */
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file for its owner only (0600); durable when it resolves. Its folder is made when there is none. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.chmod(0o600); // a draft of an earlier try may have had other rights
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  // Dies here: the file is as it was before; the draft is written anew by the next try.
  await rename(draft, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
