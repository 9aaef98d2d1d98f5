/** Who has a message already, as its story tells it. Pure. */
import type { Story, StoryEventKind } from '../../../trace/story-types.ts';

/** Nobody has it by these. */
const ENDS: ReadonlySet<StoryEventKind> = new Set(['failed', 'refused', 'withdraw', 'remove']);

/** Those for whom it has left, or who had it here at once; not who wait, nor whom it never reached. */
export function hadIt({ recipients, events }: Pick<Story, 'recipients' | 'events'>): string[] {
  const of = (isMeant: (kind: StoryEventKind) => boolean) =>
    new Set(
      events
        .filter(({ kind }) => isMeant(kind))
        .flatMap((event) => event.recipients ?? event.account ?? [])
        .map((address) => address.toLowerCase()),
    );
  const ended = of((kind) => ENDS.has(kind) || kind === 'unfiled');
  const [queued, sent] = [of((kind) => kind === 'queued'), of((kind) => kind === 'sent')];
  return recipients.filter((address) => {
    const lower = address.toLowerCase();
    return !ended.has(lower) && (!queued.has(lower) || sent.has(lower));
  });
}
