/** What this server signs in with at the server of a route. */
import { readFile } from 'node:fs/promises';
import { NoSuchDestination } from './hosts.ts';

/**
 * Read anew for each connection, so that it can be changed while the server runs.
 * @throws NoSuchDestination, for now: which file it is, and what to do
 */
export async function routePassword(host: string, file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? without(host, `there is no file ${file}. Write it into that file, for the user whom this server runs as.`)
      : without(
          host,
          `${file} can not be read (${code}). It must be a file that the user may read whom this server runs as.`,
        );
  }
  const password = text.trimEnd();
  if (password === '') throw without(host, `${file} is empty. Write it into that file.`);
  return password;
}

/** RFC 3463 3.4: X.3.5, system incorrectly configured. It is tried again. */
function without(host: string, why: string): NoSuchDestination {
  return new NoSuchDestination(451, '4.3.5', `this server has no password for ${host}: ${why}`);
}
