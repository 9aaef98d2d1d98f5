/** An office of its own for a test: a real engine in a folder that is removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Directory } from '../../src/directory/directory.ts';
import { SqliteEngine } from '../../src/store/engine/sqlite.ts';

export interface Office {
  readonly engine: SqliteEngine;
  readonly directory: Directory;
  /** Opens the directory anew on the same store, as a restart does. */
  reopen(): Promise<Directory>;
}

/** An office with these domains and people (`anna@office.test`; the password of all is {@link PASSWORD}). */
export async function openOffice(
  t: TestContext,
  { domains = ['office.test'], people = [] }: { domains?: readonly string[]; people?: readonly string[] } = {},
): Promise<Office> {
  const folder = await mkdtemp(join(tmpdir(), 'rainmail-directory-'));
  const engine = await SqliteEngine.open({ path: join(folder, 'mail.db') });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const directory = await Directory.open(engine);
  for (const domain of domains) await directory.by('the test').domains.add(domain);
  for (const address of people) await directory.by('the test').accounts.add({ address, password: PASSWORD });
  return { engine, directory, reopen: () => Directory.open(engine) };
}

export const PASSWORD = 'correct horse';

/** Everything an async iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
