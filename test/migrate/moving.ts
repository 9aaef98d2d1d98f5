/** An office that somebody moves into, and the command that does it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pop3Client } from '../../src/migrate/pop3-client.ts';
import type { AccountReport } from '../../src/migrate/report.ts';
import { type CommandResult, rainmail, type TrialOffice } from '../helpers/office.ts';
import { OLD_PASSWORD } from './dovecot.ts';

/** Runs `rainmail migrate` with these arguments; the old server's password is on its standard input. */
export function migrate(office: TrialOffice, ...args: string[]): Promise<CommandResult> {
  return rainmail(['migrate', ...args, '--password-stdin', '--json', '--data', office.data], {
    input: `${OLD_PASSWORD}\n`,
  });
}

/** Moves one person in; the report. It must succeed unless said otherwise. */
export async function moveIn(office: TrialOffice, from: string, ...args: string[]): Promise<AccountReport> {
  const [report] = await moveAllIn(office, 0, office.address('anna'), '--from', from, '--insecure', ...args);
  return report!;
}

export async function moveAllIn(office: TrialOffice, code: number, ...args: string[]): Promise<AccountReport[]> {
  const ended = await migrate(office, ...args);
  assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout) as AccountReport[];
}

/** A file in the office's folder. */
export async function fileOf(office: TrialOffice, name: string, content: string): Promise<string> {
  const path = join(office.folder, name);
  await writeFile(path, content);
  return path;
}

/** The ids that a POP3 service gives, in its order. */
export async function pop3Ids(port: number, user: string, password: string): Promise<string[]> {
  const client = await Pop3Client.connect(
    { protocol: 'pop3', host: '127.0.0.1', port, security: 'none' },
    { user, password },
  );
  const ids = [...(await client.uidl()).values()];
  await client.quit();
  return ids;
}
