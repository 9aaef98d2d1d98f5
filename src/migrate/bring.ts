/**
 * Brings what is new in the folders of the source. A message and the memory of where it came from are one transaction, so that nothing is lost
 * or doubled, whatever is killed and whenever.
 *
 * What goes wrong with one message costs that message; it is reported, and tried again by the next run.
 */
import { Refused } from '../errors.ts';
import type { EpochSeconds, MailboxId } from '../store/ids.ts';
import type { Appended, StagedMessage } from '../store/types.ts';
import { flagsOf, type Here } from './here.ts';
import { HeaderHash, keyOf, noteOf } from './origin.ts';
import type { Tally } from './report.ts';
import type { Fetched, Source, SourceFolder, SourceMessage } from './source.ts';
import type { Surveyed } from './surveyed.ts';
import { SourceLost, SourceSaidNo } from './trouble.ts';

const BATCH_MESSAGES = 200;
const BATCH_BYTES = 4 << 20;
const DAY: EpochSeconds = 86_400;
/** Mail that another server took in is not refused for its size, within reason. */
const LARGEST = 1 << 30;

export interface BringingOptions {
  readonly signal: AbortSignal;
  /** Told each time that messages of a folder have come. */
  readonly came: (folder: SourceFolder) => void;
}

export class Bringing {
  readonly #here: Here;
  readonly #source: Source;
  readonly #tally: Tally;
  readonly #signal: AbortSignal;
  readonly #came: BringingOptions['came'];

  constructor(here: Here, source: Source, tally: Tally, { signal, came }: BringingOptions) {
    this.#here = here;
    this.#source = source;
    this.#tally = tally;
    this.#signal = signal;
    this.#came = came;
  }

  /** Brings what is new in a folder. One batch is made durable while the next comes. */
  async folder(surveyed: Surveyed): Promise<void> {
    const { folder, generation, fresh } = surveyed;
    if (fresh.length === 0) return;
    const { id: mailbox } = await this.#here.mailbox(folder);
    const wanted = fresh.filter((message) => message.sizeBytes <= LARGEST || this.#tooLarge(folder, message));
    let batch = new Batch();
    let filing: Promise<void> = Promise.resolve();
    const file = async () => {
      await filing;
      const full = batch;
      batch = new Batch();
      filing = this.#file(surveyed, mailbox, full);
      filing.catch(() => {}); // heard of when it is awaited
    };
    try {
      for await (const fetched of this.#source.messages(folder, wanted)) {
        this.#signal.throwIfAborted();
        const appended = await this.#take(folder, generation, fetched);
        if (appended !== undefined) batch.add(appended);
        if (batch.isFull) await file();
      }
      await file();
    } finally {
      await filing.finally(() => {
        for (const { staged } of batch.messages) this.#here.store.discard(staged);
      });
    }
  }

  #tooLarge(folder: SourceFolder, { id, sizeBytes }: SourceMessage): boolean {
    this.#tally.skip({ folder: folder.name, message: id, reason: `it has ${sizeBytes} bytes, more than can be kept` });
    return false;
  }

  /** Takes one message in. @returns undefined when it was left out, or will come again */
  async #take(folder: SourceFolder, generation: string, fetched: Fetched): Promise<Appended | undefined> {
    const { message } = fetched;
    const skip = (reason: string) => this.#tally.skip({ folder: folder.name, message: message.id, reason });
    if ('problem' in fetched) {
      skip(fetched.problem);
      return undefined;
    }
    const stage = this.#here.store.stage(LARGEST);
    const header = new HeaderHash();
    let staged: StagedMessage;
    try {
      for await (const chunk of fetched.content) {
        header.push(chunk);
        await stage.write(chunk);
      }
      staged = await stage.finish();
    } catch (error) {
      stage.abandon();
      if (error instanceof SourceLost || error instanceof SourceSaidNo) return undefined;
      if (!(error instanceof Refused) || error.code !== 'message.too-large') throw error;
      skip(error.message);
      return undefined;
    }
    const key = keyOf(folder.name, generation, message.id);
    const received = [message.received, staged.analysis.sent].find(isPlausible);
    return {
      staged,
      flags: flagsOf(message.flags),
      origin: { source: this.#source.id, key, note: noteOf(message, header.digest()) },
      ...(received === undefined ? {} : { received }),
      ...(message.uidl === undefined ? {} : { uidl: message.uidl }),
    };
  }

  async #file(surveyed: Surveyed, mailbox: MailboxId, { messages, bytes }: Batch): Promise<void> {
    if (messages.length === 0) return;
    await this.#here.store.append({ account: this.#here.account, mailbox }, messages);
    surveyed.brought += messages.length;
    this.#tally.brought.messages += messages.length;
    this.#tally.brought.bytes += bytes;
    this.#came(surveyed.folder);
  }
}

/** Messages on their way into one mailbox together. */
class Batch {
  readonly messages: Appended[] = [];
  bytes = 0;

  get isFull(): boolean {
    return this.messages.length >= BATCH_MESSAGES || this.bytes >= BATCH_BYTES;
  }

  add(appended: Appended): void {
    this.messages.push(appended);
    this.bytes += appended.staged.analysis.size;
  }
}

/** A Date field may say anything; nothing was received before 1970 or after tomorrow. */
function isPlausible(date: EpochSeconds | null): date is EpochSeconds {
  return date !== null && date >= 0 && date <= Date.now() / 1_000 + DAY;
}
