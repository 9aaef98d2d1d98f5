/**
 * What changed at the source since it was last read: what is there, compared with what was brought. Pure.
 *
 * Three states meet: what the source said last (the note), what it says now, and what is here. Only what the source changed is carried over,
 * so that what the person does here stays.
 */
import type { Brought } from '../store/types.ts';
import { keyOf, parseNote } from './origin.ts';
import type { Listing, SourceMessage } from './source.ts';

export interface Changed {
  readonly brought: Brought;
  readonly message: SourceMessage;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface Differences {
  /** Not brought yet. */
  readonly fresh: SourceMessage[];
  /** Brought before, and no longer there. */
  readonly vanished: Brought[];
  /** Their flags changed there. */
  readonly changed: Changed[];
}

export function differences(folder: string, listing: Listing, brought: readonly Brought[]): Differences {
  const waiting = new Map(brought.map((each) => [each.key, each]));
  const fresh: SourceMessage[] = [];
  const changed: Changed[] = [];
  for (const message of listing.messages) {
    const key = keyOf(folder, listing.generation, message.id);
    const known = waiting.get(key);
    if (known === undefined) fresh.push(message);
    else {
      waiting.delete(key);
      const change = flagChange(known, message);
      if (change !== undefined) changed.push(change);
    }
  }
  return { fresh, vanished: [...waiting.values()], changed };
}

/** What the source did to a message's flags since it was last read; undefined: nothing. */
export function flagChange(brought: Brought, message: SourceMessage): Changed | undefined {
  const before = parseNote(brought.note).flags;
  const added = message.flags.filter((flag) => !before.includes(flag));
  const removed = before.filter((flag) => !message.flags.includes(flag));
  return added.length === 0 && removed.length === 0 ? undefined : { brought, message, added, removed };
}

/**
 * Messages that vanished in one place and may have come in another: of the same size, received at the same second. Whether they are the same
 * their headers say. After a folder was moved, renamed or made anew (another UIDVALIDITY) that is all of it.
 */
export class Vanished {
  readonly #byLikeness = new Map<string, Brought[]>();

  add(vanished: readonly Brought[]): void {
    for (const brought of vanished) {
      const { sizeBytes, received } = parseNote(brought.note);
      const likeness = `${sizeBytes} ${received}`;
      const alike = this.#byLikeness.get(likeness);
      if (alike === undefined) this.#byLikeness.set(likeness, [brought]);
      else alike.push(brought);
    }
  }

  /** True when a message may be one that vanished. */
  mayHold({ sizeBytes, received }: SourceMessage): boolean {
    return this.#byLikeness.has(`${sizeBytes} ${received}`);
  }

  /** Takes the one that this message was before, if it was brought; from the same folder rather than from another. */
  take({ sizeBytes, received }: SourceMessage, header: string, group: string): Brought | undefined {
    const likeness = `${sizeBytes} ${received}`;
    const same = (this.#byLikeness.get(likeness) ?? []).filter(({ note }) => parseNote(note).header === header);
    const found = same.find(({ key }) => key.startsWith(`${group};`)) ?? same[0];
    if (found === undefined) return undefined;
    const rest = this.#byLikeness.get(likeness)!.filter((each) => each !== found);
    if (rest.length === 0) this.#byLikeness.delete(likeness);
    else this.#byLikeness.set(likeness, rest);
    return found;
  }

  /** Those that nobody took: gone from the source. */
  rest(): Brought[] {
    return [...this.#byLikeness.values()].flat();
  }
}
