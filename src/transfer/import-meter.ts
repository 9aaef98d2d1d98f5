/** Says how far an import is: by messages where all are counted, by bytes where all are mbox files. */
import type { OnProgress, Progress } from '../progress.ts';
import type { SourceFolder } from './source.ts';

const PROGRESS_EVERY = 20;

export class ImportMeter {
  readonly #onProgress: OnProgress;
  readonly #unit: Progress['unit'];
  readonly #total: number | undefined;
  #what = '';
  #done = 0;
  #messages = 0;
  #folderFrom = 0;
  #folderBytes = 0;

  constructor(folders: readonly SourceFolder[], onProgress: OnProgress) {
    this.#onProgress = onProgress;
    const counted = folders.every((folder) => folder.messages !== null);
    this.#unit = !counted && folders.every((folder) => folder.kind === 'mbox') ? 'bytes' : 'messages';
    if (counted) this.#total = folders.reduce((sum, folder) => sum + folder.messages!, 0);
    else if (this.#unit === 'bytes') this.#total = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  }

  folder({ name, bytes }: SourceFolder): void {
    this.#what = name || 'INBOX';
    this.#folderFrom += this.#folderBytes;
    this.#folderBytes = bytes;
    if (this.#unit === 'bytes') this.#done = this.#folderFrom;
    this.#say();
  }

  message(): void {
    this.#messages++;
    if (this.#unit === 'messages') this.#done = this.#messages;
    if (this.#messages % PROGRESS_EVERY === 0) this.#say();
  }

  position(bytes: number): void {
    if (this.#unit === 'bytes') this.#done = this.#folderFrom + bytes;
  }

  #say(): void {
    const total = this.#total;
    this.#onProgress({
      what: this.#what,
      done: this.#done,
      unit: this.#unit,
      ...(total === undefined ? {} : { total }),
    });
  }
}
