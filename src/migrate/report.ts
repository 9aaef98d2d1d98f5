/** What moving one account in did, for people and for programs. */

export interface Amount {
  messages: number;
  bytes: number;
}

export interface FolderReport {
  /** As the source calls it. */
  readonly name: string;
  /** As it is called here. */
  readonly path: string;
  readonly source: Readonly<Amount>;
  /** Of the source's messages, those that are where they were brought to. */
  readonly here: Readonly<Amount>;
  /** Of the source's messages, those that the person moved or deleted here since. */
  readonly elsewhere: number;
  /** Of the source's messages, those that are not brought. */
  readonly missing: number;
}

export interface Skipped {
  readonly folder: string;
  /** UID, or POP3's unique id. */
  readonly message: string;
  readonly reason: string;
}

export interface AccountReport {
  readonly account: string;
  readonly source: string;
  /** `stopped`: by who asked for it. What came is kept in any case. */
  readonly outcome: 'done' | 'failed' | 'stopped';
  readonly error: { readonly code: string; readonly text: string } | null;
  readonly folders: readonly FolderReport[];
  readonly brought: Readonly<Amount>;
  /** Followed from the source: flags, moves to other folders, removals. */
  readonly flagged: number;
  readonly moved: number;
  readonly removed: number;
  /** Gone from the source, and kept here: the person changed them, or it was asked for. */
  readonly kept: number;
  /** Left out; each is tried again next time. The first {@link MOST_REPORTED}. */
  readonly skipped: readonly Skipped[];
  readonly skippedCount: number;
  /** Folders that could not be read. */
  readonly unreadable: readonly string[];
  /** Folders that were left out, got another name, or could not be read. */
  readonly notes: readonly string[];
  readonly seconds: number;
}

const MOST_REPORTED = 100;

/** True when everything of the source is here. */
export function isWhole({ outcome, skippedCount, unreadable, folders }: AccountReport): boolean {
  return (
    outcome === 'done' && skippedCount === 0 && unreadable.length === 0 && folders.every(({ missing }) => missing === 0)
  );
}

/** Counts while it goes on. */
export class Tally {
  readonly brought: Amount = { messages: 0, bytes: 0 };
  flagged = 0;
  moved = 0;
  removed = 0;
  kept = 0;
  readonly notes: string[] = [];
  readonly folders: FolderReport[] = [];
  readonly unreadable = new Set<string>();
  readonly #skipped = new Map<string, Skipped>();
  readonly #began = performance.now();

  /** Once for each message, however often it was tried. */
  skip(skipped: Skipped): void {
    this.#skipped.set(`${skipped.folder}\0${skipped.message}`, skipped);
  }

  report(
    account: string,
    source: string,
    outcome: AccountReport['outcome'],
    error: AccountReport['error'] = null,
  ): AccountReport {
    const { brought, flagged, moved, removed, kept, notes, folders } = this;
    return {
      account,
      source,
      outcome,
      error,
      folders,
      brought,
      flagged,
      moved,
      removed,
      kept,
      skipped: [...this.#skipped.values()].slice(0, MOST_REPORTED),
      skippedCount: this.#skipped.size,
      unreadable: [...this.unreadable],
      notes,
      seconds: Math.round(performance.now() - this.#began) / 1_000,
    };
  }
}
