/** What clients leave behind: messages in a maildir or an mbox. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MaildirMessage {
  readonly path: string;
  /** `FRST`: flagged, replied, seen, trashed. */
  readonly flags: string;
  /** A character for each byte. */
  readonly content: string;
}

/** A maildir whose files we change as a mail reader of that machine would. */
export class Maildir {
  readonly folder: string;
  #added = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async create(folder: string): Promise<Maildir> {
    for (const part of ['cur', 'new', 'tmp']) await mkdir(join(folder, part), { recursive: true });
    return new Maildir(folder);
  }

  async messages(): Promise<MaildirMessage[]> {
    const found: MaildirMessage[] = [];
    for (const part of ['cur', 'new']) {
      for (const name of await readdir(join(this.folder, part))) {
        const path = join(this.folder, part, name);
        found.push({ path, flags: /:2,([A-Z]*)$/.exec(name)?.[1] ?? '', content: await readFile(path, 'latin1') });
      }
    }
    return found;
  }

  /** Subjects, sorted as text. */
  async subjects(): Promise<string[]> {
    return (await this.messages()).map(({ content }) => subjectOf(content)).sort();
  }

  /** The message with this subject. */
  async message(subject: string): Promise<MaildirMessage> {
    const message = (await this.messages()).find(({ content }) => subjectOf(content) === subject);
    if (message === undefined) throw new Error(`no message "${subject}" in ${this.folder}`);
    return message;
  }

  async add(content: string, flags = ''): Promise<void> {
    const name = `${Date.now()}.${++this.#added}.test:2,${flags}`;
    await writeFile(join(this.folder, 'cur', name), content, 'latin1');
  }

  /** Gives a message these flags instead of those it has. */
  async flag({ path }: MaildirMessage, flags: string): Promise<void> {
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/:2,.*$/, '');
    await rename(path, join(this.folder, 'cur', `${name}:2,${flags}`));
  }

  async remove({ path }: MaildirMessage): Promise<void> {
    await rm(path);
  }
}

/** The subject of a message, empty when it has none. */
export function subjectOf(content: string): string {
  const header = content.split(/\r?\n\r?\n/, 1)[0]!;
  return /^Subject: ?(.*?)\r?$/im.exec(header)?.[1] ?? '';
}

/** Lines end in LF, as clients keep them; bare CR stays. */
export function withLf(content: string): string {
  return content.replaceAll('\r\n', '\n');
}
