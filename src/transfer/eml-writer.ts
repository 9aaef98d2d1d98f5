/**
 * Writes a mailbox as a directory of .eml files, each with exactly the bytes of its message, and `messages.jsonl` with what a message doesn't
 * hold itself. A file is named for UIDVALIDITY and UID, so that a later run knows what is there. It removes nothing.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Pace } from '../pace.ts';
import type { MailboxView } from '../store/api.ts';
import { nodeFiles } from '../store/bodies/files.ts';
import type { ExportFolder } from './export-folder.ts';
import { isLoss, messageAt, type OutgoingMessage } from './export-messages.ts';
import { formatMessage, MESSAGES } from './rainmail-index.ts';
import { writeEach } from './write-each.ts';
import { FileOnTheWay, writeWhole } from './written-files.ts';

export async function writeEml(folder: ExportFolder): Promise<void> {
  const { directory, view, report } = folder;
  await nodeFiles.makeDirectory(directory);
  const there = new Set(await readdir(directory));
  const wanted: number[] = [];
  const pace = new Pace();
  for (const index of folder.indexes) {
    await pace.pause();
    if (!there.has(fileName(view, index))) wanted.push(index);
    else {
      report.before++;
      folder.done();
    }
  }
  await writeEach(folder, wanted, async (message) => {
    const name = fileName(view, view.indexOf(message.uid));
    if (await writeMessage(folder, message, name)) there.add(name);
  });
  await nodeFiles.syncDirectory(directory);
  await writeWhole(join(directory, MESSAGES), join(directory, `.${MESSAGES}.part`), messageLines(folder, there));
}

async function writeMessage(folder: ExportFolder, message: OutgoingMessage, name: string): Promise<boolean> {
  const { directory, report } = folder;
  const file = await FileOnTheWay.begin(join(directory, `.${name}.part`));
  try {
    for await (const part of message.content()) await file.write(part);
  } catch (error) {
    await file.abandon();
    if (!isLoss(error)) throw error;
    folder.lost({ uid: message.uid, refusal: error });
    return false;
  }
  await file.done(join(directory, name), message.received);
  report.written++;
  report.bytes += file.bytes;
  folder.done();
  return true;
}

function fileName(view: MailboxView, index: number): string {
  return `${view.uidvalidity}-${String(view.uid(index)).padStart(8, '0')}.eml`;
}

async function* messageLines({ view, indexes }: ExportFolder, there: ReadonlySet<string>): AsyncGenerator<string> {
  const pace = new Pace();
  for (const index of indexes) {
    await pace.pause();
    const file = fileName(view, index);
    if (!there.has(file)) continue;
    const { uid, received, flags, uidl } = messageAt(view, index);
    yield formatMessage({ file, flags: [...flags], received: new Date(received * 1_000).toISOString(), uid, uidl });
  }
}
