/**
 * Writes a mailbox as an mbox file (RFC 4155; From lines quoted the mboxrd way), with the fields in which other programs look for flags
 * (mbox-fields.ts). The file appears when it is whole.
 */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { nodeFiles } from '../store/bodies/files.ts';
import type { ExportFolder } from './export-folder.ts';
import { type Form, fileBytes, formOf, isLoss, type OutgoingMessage, outgoing } from './export-messages.ts';
import { fromLine, toldFields } from './mbox-fields.ts';
import { isFileError } from './source.ts';
import { FileOnTheWay } from './written-files.ts';

/** @returns size of the file; null when it was interrupted and nothing was written */
export async function writeMbox(folder: ExportFolder): Promise<number | null> {
  const { directory: path, report, signal } = folder;
  await nodeFiles.makeDirectory(dirname(path));
  const file = await FileOnTheWay.begin(`${path}.part`);
  try {
    for await (const message of outgoing(folder.store, folder.view, folder.indexes)) {
      if (signal.aborted) break;
      if ('refusal' in message) folder.lost(message);
      else await writeMessage(folder, message, file);
    }
  } catch (error) {
    await file.abandon();
    throw error;
  }
  if (signal.aborted) {
    await file.abandon();
    report.written = 0;
    report.bytes = 0;
    return null;
  }
  await file.done(path);
  await nodeFiles.syncDirectory(dirname(path));
  return file.bytes;
}

async function writeMessage(folder: ExportFolder, message: OutgoingMessage, file: FileOnTheWay): Promise<void> {
  const { crlf, report } = folder;
  let form: Form;
  try {
    // All of it is read here, so that a damaged one is left out before its first byte is written.
    form = await formOf(message, crlf);
  } catch (error) {
    if (!isLoss(error)) throw error;
    folder.lost({ uid: message.uid, refusal: error });
    return;
  }
  const lineEnd = crlf ? '\r\n' : '\n';
  const head = fromLine(await senderOf(message), message.received) + toldFields({ ...message, ...form });
  await file.write(head.replaceAll('\n', lineEnd));
  const quoting = new FromQuoting();
  for await (const part of fileBytes(message, form, crlf)) await file.write(quoting.push(part));
  await file.write(quoting.end());
  // One to end a last line that has no end; an empty line before the next From line.
  await file.write(form.open ? `\n${lineEnd}` : lineEnd);
  report.written++;
  report.bytes += form.wireBytes;
  folder.done();
}

/** Who sent it, by the trace that delivery left; else empty. */
async function senderOf(message: OutgoingMessage): Promise<string> {
  for await (const part of message.content()) {
    if (part.length > 0) return /^Return-Path:[ \t]*<([^>\r\n]*)>/i.exec(part.toString('latin1', 0, 1_000))?.[1] ?? '';
  }
  return '';
}

/** A line that begins with `From `, or with `>` before it, gets one more `>`. Works on a stream. */
class FromQuoting {
  /** What may be the beginning of such a line. */
  #held = '';
  #midLine = false;

  push(part: Buffer): Buffer {
    const text = this.#held + part.toString('latin1');
    const start = text.lastIndexOf('\n') + 1;
    const open = text.slice(start);
    const holds = (start > 0 || !this.#midLine) && />*(?:F|Fr|Fro|From)?$/y.test(open);
    this.#held = holds ? open : '';
    const passed = holds ? text.slice(0, start) : text;
    const quoted = this.#quoted(passed);
    if (passed !== '') this.#midLine = !passed.endsWith('\n');
    return quoted;
  }

  end(): Buffer {
    return Buffer.from(this.#held, 'latin1');
  }

  #quoted(text: string): Buffer {
    const quoted = text.replace(this.#midLine ? /(\n)(>*From )/g : /(^|\n)(>*From )/g, '$1>$2');
    return Buffer.from(quoted, 'latin1');
  }
}

/** Size of the file that is there, or null. */
export async function mboxSize(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isFileError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}
